// The estimate of a run's memory equals what the run takes, for replays, networks, passes and evaluations
// of many sizes.
#include "rl/train/run_memory.h"

#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/cpu/cpu_backend.h"
#include "rl/train/from_config.h"
#include "rl/train/kept_model.h"
#include "rl/train/model_file.h"
#include "rl/train/recorder.h"
#include "rl/train/trainer.h"
#include "tests/support/counts/memory_taken.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman {
namespace {

constexpr Index kMiB = Index{1} << 20;

struct Case {
  std::string name;
  TrainConfig config;
};

/// Fills its replay and learns twice at the end.
TrainConfig filling(Index slots) {
  TrainConfig config;
  config.network = "dense 8, relu";
  config.buffer_size = slots;
  config.total_timesteps = slots + 50;
  config.learning_starts = slots;
  config.train_frequency = 25;
  config.batch_size = 32;
  config.start_e = config.end_e = 1;
  config.eval_frequency = 0;
  config.final_eval_episodes = 1;
  config.log_frequency = slots;
  return config;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  all.push_back({"floats, uniform", filling(400'000)});
  TrainConfig config = filling(400'000);
  config.prioritized = true;
  config.n_step = 3;
  config.num_envs = 4;
  all.push_back({"floats, by priority, four environments", config});

  config = filling(40'000);
  config.env.id = "FourRooms-v0";
  config.env.observation = "planes";
  config.network = "flatten, dense 8, relu";
  all.push_back({"bytes", config});
  config.env.observation = "coordinates";
  config.buffer_size = config.learning_starts = 600'000;
  config.total_timesteps = 600'050;
  all.push_back({"a gridworld's floats", config});

  config = filling(100);
  config.network = "dense 1600, relu, dense 1600, relu";
  all.push_back({"a large network, Adam", config});
  config.optimizer = OptimizerKind::kSgd;
  all.push_back({"a large network, no moments", config});

  config = filling(2'000);
  config.learner = LearnerKind::kOpByOp;
  config.env.id = "FourRooms-v0";
  config.env.observation = "planes";
  config.network = "conv 16 3x3 padding 1, relu, conv 16 3x3 padding 1, relu, flatten, dense 32, relu";
  config.batch_size = 512;
  all.push_back({"a large batch of images", config});
  config.batch_size = 32;
  config.final_eval_episodes = 1500;
  config.env.max_episode_steps = 5;
  all.push_back({"many episodes at once", config});

  config = filling(20'000);
  config.num_envs = 10'000;
  config.total_timesteps = 30'000;
  config.env.id = "FourRooms-v0";
  all.push_back({"many environments", config});

  config = filling(40'000);
  config.env.id = "FourRooms-v0";
  config.env.observation = "planes";
  config.env.frame_stack = 4;
  config.network = "flatten, dense 8, relu";
  all.push_back({"bytes, of which each frame is kept once", config});
  return all;
}

struct NowhereSink final : StateSink {
  bool begin(const std::string&, DType, std::size_t) override { return true; }
  void piece(std::span<const std::byte>) override {}
};

/// As the command does: a model and a checkpoint at the end.
void run_whole(const TrainConfig& config, const std::filesystem::path& directory, SavedState* copy,
               bool records = false) {
  CpuBackend backend(1);
  Trainer trainer(config, backend);
  std::optional<AppendFile> file;
  std::optional<Recorder> recorder;
  if (records) {
    file.emplace(directory / "diagnostics.csv");
    recorder.emplace(trainer, *file, [](const std::string& reason) { FAIL(reason); });
    trainer.add_sink(*recorder);
  }
  trainer.set_model_hook([&] { save_model(directory / "model.safetensors", kept_model(config, trainer)); });
  trainer.set_checkpoint_hook(0, [&](Index) {
    NowhereSink nowhere;
    if (copy) {
      StateWriter out(*copy);
      trainer.save(out);
    } else {
      StateWriter out(nowhere);
      trainer.save(out);
    }
  });
  trainer.run();
}

RunMemory memory_of(const TrainConfig& config, bool records = false) {
  const EnvSpec spec = make_env(config.env)->spec();
  const CpuBackend backend(1);
  return run_memory(config, spec, q_network(config, spec), backend, false, records);
}

void check_close(Index said, Index taken) {
  CAPTURE(said / kMiB);
  CAPTURE(taken / kMiB);
  CHECK(static_cast<double>(said) > 0.75 * static_cast<double>(taken));
  CHECK(static_cast<double>(said) < 1.25 * static_cast<double>(taken));
}

TEST_CASE("a run takes the memory that it is said to take, within a quarter") {
  if (!test::kMemoryIsMeasured) {
    MESSAGE("SKIPPED: a sanitizer's memory is counted, too");
    return;
  }
  const test::TemporaryDirectory top;
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    const RunMemory memory = memory_of(c.config);
    check_close(memory.total(), test::memory_taken([&] { run_whole(c.config, top.path(), nullptr); }));
  }
}

TEST_CASE("a recorder takes the memory that it is said to take, within a quarter") {
  if (!test::kMemoryIsMeasured) {
    MESSAGE("SKIPPED: a sanitizer's memory is counted, too");
    return;
  }
  const test::TemporaryDirectory top;
  const std::vector<Case> all = cases();
  for (const std::size_t i : {4, 5, 6})
    for (const Diagnostics diagnostics : {Diagnostics::kBasic, Diagnostics::kFull}) {
      CAPTURE(all[i].name);
      TrainConfig config = all[i].config;
      config.diagnostics = diagnostics;
      const RunMemory memory = memory_of(config, true);
      CHECK(memory.records > 4 * kMiB);
      check_close(memory.total(), test::memory_taken([&] { run_whole(config, top.path(), nullptr, true); }));
    }
}

TEST_CASE("a checkpoint's copy takes the memory that it is said to take, within a quarter") {
  if (!test::kMemoryIsMeasured) {
    MESSAGE("SKIPPED: a sanitizer's memory is counted, too");
    return;
  }
  const test::TemporaryDirectory top;
  const std::vector<Case> all = cases();
  for (const std::size_t i : {0, 1, 2, 4}) {
    CAPTURE(all[i].name);
    const RunMemory memory = memory_of(all[i].config);
    check_close(memory.total() + memory.checkpoint_copy, test::memory_taken([&] {
                  SavedState copy;
                  run_whole(all[i].config, top.path(), &copy);
                }));
  }
}

TEST_CASE("slots that nothing was written to take no memory, in the replay and in a checkpoint") {
  for (const bool prioritized : {false, true}) {
    TrainConfig config = filling(20'000'000);
    config.prioritized = prioritized;
    config.total_timesteps = 1'000;
    config.learning_starts = 500;
    TensorFile file;
    const auto run = [&] {
      CpuBackend backend(1);
      Trainer trainer(config, backend);
      trainer.set_checkpoint_hook(0, [&](Index) {
        StateWriter out(file);
        trainer.save(out);
      });
      trainer.run();
    };
    if (test::kMemoryIsMeasured) CHECK(test::memory_taken(run) < 12 * kMiB);
    run();
    std::size_t bytes = 0;
    for (const FileTensor& tensor : file.tensors) bytes += tensor.bytes.size();
    CHECK(bytes < 200'000);
    // Taken up by a new trainer, it takes no more there.
    if (!test::kMemoryIsMeasured) continue;
    CHECK(test::memory_taken([&] {
            CpuBackend backend(1);
            Trainer trainer(config, backend);
            trainer.load(StateReader(file, "F"));
          }) < 12 * kMiB);
  }
}

std::string refusal(const TrainConfig& config, Index available, Index beside = 0) {
  return test::error_message([&] {
    check_run_memory(memory_of(config), AvailableMemory{available, "the control group's limit"}, beside,
                     "a copy");
  });
}

TEST_CASE("a run that would not fit is refused with the numbers and the setting that would help") {
  TrainConfig config = filling(2'500'000);
  CHECK(refusal(config, 128 * kMiB) == "no error");
  CHECK(refusal(config, 64 * kMiB) ==
        "the run needs about 81 MiB: replay 79, checkpoint 2; the control group's limit leaves 64 MiB: a "
        "smaller buffer_size needs less");
  CHECK(test::contains(refusal(config, 128 * kMiB, 60 * kMiB), "and 60 MiB for a copy; "));
  CHECK(!memory_of(config).copy_fits(AvailableMemory{128 * kMiB, ""}));
  CHECK(memory_of(config).copy_fits(AvailableMemory{200 * kMiB, ""}));
  CHECK(memory_of(config).copy_fits(std::nullopt));

  config = filling(1000);
  config.network = "dense 46000, relu, dense 46000, relu";  // nearly 2^31 parameters
  CHECK(test::contains(refusal(config, 24'000 * kMiB), "networks 6"));
  CHECK(test::contains(refusal(config, 24'000 * kMiB), "a smaller network needs less"));
  config = filling(1000);
  config.final_eval_episodes = 1'000'000;
  CHECK(test::contains(refusal(config, 500 * kMiB),
                       "a smaller final_eval_episodes or eval_episodes needs less"));
  config = filling(1000);
  config.num_envs = 65'536;
  config.buffer_size = 200'000;
  CHECK(test::contains(refusal(config, 20 * kMiB), "a smaller num_envs needs less"));
}

}  // namespace
}  // namespace bellman
