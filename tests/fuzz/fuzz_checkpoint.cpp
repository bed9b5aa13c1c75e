// Whatever the bytes: checkpoint_of takes them for a checkpoint or throws Error. Its hashes would keep nearly
// all of them out, and who forges a file makes them right: so the hash over metadata, names and shapes is
// made right for every other length of file; and the tensors of any safetensors file are taken for a run's
// state: a trainer takes it, and trains on to the end, or throws Error.
#include <cstddef>
#include <cstdint>
#include <span>

#include "apps/run/checkpoint.h"
#include "apps/run/hashed_file.h"
#include "core/base/check.h"
#include "core/cpu/cpu_backend.h"
#include "rl/train/trainer.h"
#include "tests/support/training/tiny_run.h"

namespace bellman {
namespace {

void resume_from(const TensorFile& state) {
  // The first thing that a trainer looks for; without it, it need not be built to say so.
  if (!state.find("replay.kinds")) return;
  TrainConfig config = test::tiny_run();
  config.prioritized = state.find("sampler.weights") != nullptr;
  config.normalize_observation = state.find("normalizer.count") != nullptr;
  config.n_step = config.prioritized ? 3 : 1;
  CpuBackend backend;
  Trainer trainer(config, backend);
  trainer.load(StateReader(state, "the state"));
  trainer.run();
}

}  // namespace
}  // namespace bellman

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bellman;
  try {
    TensorFile file = parse_safetensors(std::as_bytes(std::span(data, size)), "fuzz");
    if (size % 2 == 0) file.metadata["xxh64"] = digest_of(file);
    try {
      checkpoint_of(file, "fuzz");
    } catch (const Error&) {
    }
    resume_from(file);
  } catch (const Error&) {
  }
  return 0;
}
