// Checkpoints with a copy of the state and without one are the same files.
#include "apps/run/checkpoint_writer.h"

#include <filesystem>
#include <new>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "rl/train/trainer.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

TrainConfig config_of(bool prioritized) {
  TrainConfig config;
  config.network = "dense 6, tanh";
  config.num_envs = 3;
  config.prioritized = prioritized;
  config.total_timesteps = 3000;
  config.buffer_size = 900;
  config.learning_starts = 100;
  config.train_frequency = 10;
  config.batch_size = 8;
  config.eval_frequency = 0;
  config.final_eval_episodes = 1;
  return config;
}

CheckpointWriter::Source source_of(Trainer& trainer) {
  return {.describe =
              [](Checkpoint& checkpoint) {
                checkpoint.version = checkpoint.build = checkpoint.device = "x";
                checkpoint.config = "seed = 1\n";
              },
          .save = [&trainer](StateWriter& state) { trainer.save(state); }};
}

void check_same(const fs::path& a, const fs::path& b) {
  const Checkpoint first = load_checkpoint(a), second = load_checkpoint(b);
  REQUIRE(first.state.tensors.size() == second.state.tensors.size());
  for (const FileTensor& tensor : first.state.tensors) {
    CAPTURE(tensor.name);
    const FileTensor* const other = second.state.find(tensor.name);
    REQUIRE(other);
    CHECK(other->shape == tensor.shape);
    CHECK((other->bytes == tensor.bytes || tensor.name.starts_with("time.")));
  }
}

TEST_CASE("a checkpoint is the same file whether the state is copied or written from where it lies") {
  const TemporaryDirectory top;
  for (const bool prioritized : {false, true}) {
    const fs::path copied = top / (prioritized ? "pc" : "uc"), direct = top / (prioritized ? "pd" : "ud");
    fs::create_directory(copied);
    fs::create_directory(direct);
    CpuBackend backend;
    Trainer trainer(config_of(prioritized), backend);
    CheckpointWriter with(copied, 100, source_of(trainer), true),
        without(direct, 100, source_of(trainer), false);
    with.prepare();
    without.prepare();
    trainer.set_checkpoint_hook(150, [&](Index timestep) {
      with.write(timestep);
      without.write(timestep);
      CHECK(fs::exists(checkpoint_path(direct, timestep)));  // it was waited for
    });
    trainer.run();
    with.finish();
    without.finish();
    CHECK(with.copies());
    CHECK(!without.copies());
    CHECK(without.cost() > 0);
    const std::vector<fs::path> files = checkpoints_of(copied);
    CHECK(files.size() >= 20);
    for (const fs::path& file : files) check_same(file, direct / file.filename());
  }
}

TEST_CASE("a copy that finds no memory is not tried again: the state is written from where it lies") {
  const TemporaryDirectory top;
  CpuBackend backend;
  Trainer trainer(config_of(false), backend);
  int copies = 0;
  CheckpointWriter::Source source = source_of(trainer);
  bool is_copy = true;
  source.save = [&](StateWriter& state) {
    trainer.save(state);
    if (is_copy) {
      ++copies;
      is_copy = false;  // what follows is no copy
      throw std::bad_alloc();
    }
  };
  CheckpointWriter writer(top.path(), 2, source, true);
  trainer.set_checkpoint_hook(1000, [&](Index timestep) { writer.write(timestep); });
  trainer.run();
  writer.finish();
  CHECK(copies == 1);
  CHECK(!writer.copies());
  const std::vector<fs::path> files = checkpoints_of(top.path());
  REQUIRE(files.size() == 2);
  for (const fs::path& file : files) CHECK_NOTHROW(load_checkpoint(file));
}

TEST_CASE("a state that changes while it is written is refused, but for its wall times") {
  const TemporaryDirectory top;
  const fs::path path = top / "checkpoint";
  int looks = 0;
  const auto save = [&](bool grows) {
    looks = 0;
    save_checkpoint(path, Checkpoint(), [&](StateSink& sink) {
      ++looks;
      StateWriter out(sink);
      out.add("time.seconds", static_cast<double>(looks));
      out.add("x", std::vector<float>(grows ? static_cast<std::size_t>(looks) : 2, 1.0F));
    });
  };
  save(false);
  CHECK(looks == 3);  // for the hashes, for elements of 8 bytes, for those of 4
  CHECK(StateReader(load_checkpoint(path).state, "").number<double>("time.seconds") == 1);
  CHECK(contains(error_message([&] { save(true); }), "the state's tensor x changed while it was written"));
  CHECK(StateReader(load_checkpoint(path).state, "").get<float>("x").size() == 2);  // the older one is whole
}

}  // namespace
}  // namespace bellman::test
