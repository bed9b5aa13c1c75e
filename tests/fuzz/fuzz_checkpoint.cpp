// Whatever the bytes: load_checkpoint reads them or throws Error. Its hashes keep nearly all of them out; so
// the tensors of any safetensors file are taken for a run's state as well, whose hashes were right: a trainer
// takes it, and trains on to the end, or throws Error.
#include <cstddef>
#include <cstdint>
#include <span>

#include "apps/checkpoint.h"
#include "core/check.h"
#include "core/cpu/cpu_backend.h"
#include "rl/trainer.h"
#include "tests/support/memory_file.h"
#include "tests/support/tiny_run.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bellman;
  static test::MemoryFile file;
  file.assign(std::as_bytes(std::span(data, size)));
  try {
    load_checkpoint(file.path());
  } catch (const Error&) {
  }
  try {
    const TensorFile state = read_safetensors(file.path());
    TrainConfig config = test::tiny_run();
    config.prioritized = state.find("sampler.weights") != nullptr;
    config.normalize_observation = state.find("normalizer.count") != nullptr;
    config.n_step = config.prioritized ? 3 : 1;
    CpuBackend backend;
    Trainer trainer(config, backend);
    trainer.load(StateReader(state, "the state"));
    trainer.run();
  } catch (const Error&) {
  }
  return 0;
}
