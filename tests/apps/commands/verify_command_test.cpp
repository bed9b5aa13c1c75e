// `bellman verify` as a user runs it.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/base/fingerprint.h"
#include "apps/run/checkpoint.h"
#include "apps/run/device.h"
#include "apps/settings/config_file.h"
#include "rl/train/trainer.h"
#include "tests/support/error_message.h"
#include "tests/support/run_command.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/training/meddled_env.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kShort = {"train",
                                         "--total-timesteps",
                                         "600",
                                         "--learning-starts",
                                         "100",
                                         "--batch-size",
                                         "16",
                                         "--quiet",
                                         "--buffer-size",
                                         "300",
                                         "--checkpoint-frequency",
                                         "250",
                                         "--keep",
                                         "5",
                                         "--network",
                                         "dense 8, relu",
                                         "--eval-frequency",
                                         "200",
                                         "--final-eval-episodes",
                                         "1",
                                         "--eval-episodes",
                                         "1",
                                         "--prioritized",
                                         "--no-stop-when-solved",
                                         "--run-dir"};

std::string trained_run(const TemporaryDirectory& top) {
  std::vector<std::string> words = kShort;
  words.push_back((top / "run").string());
  const CommandResult result = run_bellman(words);
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  return (top / "run").string();
}

TEST_CASE("a run is verified from its beginning, and from a checkpoint") {
  const TemporaryDirectory top;
  const std::string run = trained_run(top);
  const CommandResult whole = run_bellman({"verify", run});
  CHECK(whole.exit_code == 0);
  CHECK(whole.out.starts_with("3 checkpoints: every hash is right\n"));
  CHECK(contains(whole.out, "to compare with checkpoint-000000000600.safetensors"));
  CHECK(contains(whole.out, "Identical"));
  const CommandResult rest =
      run_bellman({"verify", run, "--from", run + "/checkpoint-000000000250.safetensors"});
  CHECK(rest.exit_code == 0);
  CHECK(contains(rest.out, "Training again from checkpoint-000000000250.safetensors"));
  CHECK(contains(rest.out, "Identical"));
}

/// A run whose last checkpoint is of a stop within the evaluation at step 100.
void leave_cut_run(const fs::path& directory) {
  TrainConfig config;
  config.network = "dense 8, relu";
  config.total_timesteps = 200;
  config.learning_starts = 20;
  config.batch_size = 4;
  config.eval_frequency = 100;
  config.eval_episodes = config.final_eval_episodes = 1;
  std::atomic<bool> stop = false;
  Meddling stops_in_evaluation;
  stops_in_evaluation.with_step = [&](Index instance, Index step, StepResult&) {
    if (instance > 0 && step == 3) stop = true;
  };
  const Device device = make_device(config.device, config.threads);
  TrainerParts parts = device.parts;
  parts.make_env = meddled_env(config.env, stops_in_evaluation);
  Trainer trainer(config, *device.backend, parts);
  fs::create_directory(directory);
  trainer.set_checkpoint_hook(0, [&](Index timestep) {
    Checkpoint checkpoint{.version = "1",
                          .build = build_id(),
                          .device = device.backend->name(),
                          .config = config_file_text(config),
                          .timestep = timestep,
                          .logs = {},
                          .state = {}};
    StateWriter out(checkpoint.state);
    trainer.save(out);
    REQUIRE(StateReader(checkpoint.state, "").count("trainer.evaluation_is_due") == 1);
    save_checkpoint(checkpoint_path(directory, timestep), checkpoint);
  });
  trainer.run(&stop);
}

TEST_CASE("a run that went on with other settings is verified with each for as long as it had them") {
  const TemporaryDirectory top;
  const std::string run = trained_run(top);
  const auto go_on = [&run](const std::vector<std::string>& overrides) {
    std::vector<std::string> words = {"train", "--quiet", "--resume", run};
    for (const std::string& text : overrides) words.insert(words.end(), {"--override", text});
    const CommandResult result = run_bellman(words);
    REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  };
  go_on({"gamma=0.9"});  // no step is made with it, and it is remembered all the same
  go_on({"gamma=0.5", "total_timesteps=800"});
  go_on({});
  go_on({"total_timesteps=1000", "learning_rate=0.1"});
  const Checkpoint last = load_checkpoint(checkpoints_of(run).front());
  REQUIRE(last.history.size() == 3);
  CHECK(last.history[0].until == 600);
  CHECK(last.history[1].until == 600);
  CHECK(last.history[2].until == 800);
  CHECK(contains(last.history[0].config, "gamma = 0.99"));
  CHECK(contains(last.history[1].config, "gamma = 0.9\n"));
  CHECK(contains(last.history[2].config, "gamma = 0.5"));

  const CommandResult whole = run_bellman({"verify", run});
  CHECK(whole.exit_code == 0);
  CHECK(contains(whole.out, "Identical"));
  const CommandResult rest =
      run_bellman({"verify", run, "--from", run + "/checkpoint-000000000750.safetensors"});
  CHECK(rest.exit_code == 0);
  CHECK(contains(rest.out, "Identical"));

  Checkpoint forged = last;
  forged.history[0].config = forged.config;
  save_checkpoint(checkpoints_of(run).front(), forged);
  const CommandResult other = run_bellman({"verify", run});
  CHECK(other.exit_code == 1);
  CHECK(contains(other.out, "Different"));
  forged.history[0].until = 900;
  save_checkpoint(checkpoints_of(run).front(), forged);
  CHECK(contains(run_bellman({"verify", run}).out, "history"));
}

TEST_CASE("a checkpoint of a run that was stopped within an evaluation is verified") {
  const TemporaryDirectory top;
  leave_cut_run(top / "run");
#if defined(BELLMAN_MEMCHECKED)
  MESSAGE("SKIPPED: memcheck has fewer instruction sets than the command, which runs without it");
#else
  const CommandResult result = run_bellman({"verify", (top / "run").string()});
  CHECK(result.exit_code == 0);
  CHECK(contains(result.out, "Identical"));
#endif
}

TEST_CASE("a checkpoint that is removed while it is verified is no damage") {
  const TemporaryDirectory top;
  const std::string run = trained_run(top);
  fs::create_symlink("gone", fs::path(run) / "checkpoint-000000000400.safetensors");  // listed, but not there
  const CommandResult result = run_bellman({"verify", run});
  CHECK(result.exit_code == 0);
  CHECK(contains(result.out, "1 checkpoint was removed meanwhile"));
  CHECK(contains(result.out, "Identical"));
}

TEST_CASE("damage leads, whatever is right beside it; and another run's start gives another state") {
  const TemporaryDirectory top;
  const std::string run = trained_run(top);
  {
    std::fstream file(run + "/checkpoint-000000000500.safetensors",
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end);
    file.put('x');
  }
  const CommandResult damaged = run_bellman({"verify", run});
  CHECK(damaged.exit_code == 1);
  CHECK(contains(damaged.out.substr(0, damaged.out.find('\n')),
                 "checkpoint-000000000500.safetensors: is damaged"));
  CHECK(contains(damaged.out, "\nOf 3 checkpoints 1 is damaged\n"));
  CHECK_FALSE(contains(damaged.out, "every hash is right"));
  CHECK(contains(damaged.out, "tensors of checkpoint-000000000600.safetensors to the last bit"));
  CHECK(damaged.out.ends_with("; the damaged one cannot be compared.\n"));

  std::vector<std::string> other = kShort;
  other.insert(other.end(), {(top / "other").string(), "--seed", "7"});
  REQUIRE(run_bellman(other).exit_code == 0);
  const CommandResult different = run_bellman(
      {"verify", run, "--from", (top / "other" / "checkpoint-000000000250.safetensors").string()});
  CHECK(different.exit_code == 1);
  CHECK(contains(different.out, "Different: "));
}

TEST_CASE("what cannot be verified is one line") {
  const TemporaryDirectory top;
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"verify", top.path().string()}, {"verify", (top / "none").string()}}) {
    const CommandResult result = run_bellman(words);
    CHECK(result.exit_code == 2);
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  }
}

}  // namespace
}  // namespace bellman::test
