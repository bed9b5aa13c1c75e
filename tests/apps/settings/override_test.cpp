// `--resume` with `--override`: what each setting means from that step on, and that `verify` repeats it.
#include <atomic>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "apps/base/fingerprint.h"
#include "apps/run/checkpoint.h"
#include "apps/run/device.h"
#include "apps/run/run_directory.h"
#include "apps/run/run_files.h"
#include "apps/settings/config_file.h"
#include "apps/settings/settings.h"
#include "rl/train/model_file.h"
#include "rl/train/trainer.h"
#include "tests/apps/refusal.h"
#include "tests/apps/settings/override_cases.h"
#include "tests/apps/text_file.h"
#include "tests/support/error_message.h"
#include "tests/support/parse_json.h"
#include "tests/support/run_command.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_data.h"
#include "tests/support/training/meddled_env.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

/// Trains 300 steps into `directory`.
void train(const fs::path& directory, const Words& more) {
  const CommandResult result = run_bellman(Words{"train",
                                                 "--quiet",
                                                 "--preset",
                                                 "none",
                                                 "--total-timesteps",
                                                 "300",
                                                 "--learning-starts",
                                                 "40",
                                                 "--batch-size",
                                                 "8",
                                                 "--buffer-size",
                                                 "120",
                                                 "--network",
                                                 "dense 8, relu",
                                                 "--eval-frequency",
                                                 "100",
                                                 "--eval-episodes",
                                                 "2",
                                                 "--final-eval-episodes",
                                                 "2",
                                                 "--solve-confirm-episodes",
                                                 "0",
                                                 "--max-episode-steps",
                                                 "40",
                                                 "--run-dir",
                                                 directory.string()} +
                                           more);
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
}

Words going_on(const fs::path& run, const Words& changes) {
  Words words = {"train", "--quiet", "--resume", run.string()};
  for (const std::string& change : changes) words = words + Words{"--override", change};
  return words;
}

void check_verifies(const fs::path& run) {
#if defined(BELLMAN_MEMCHECKED)
  MESSAGE("SKIPPED: memcheck has fewer instruction sets than the command, which runs without it");
#else
  const CommandResult result = run_bellman({"verify", run.string()});
  CHECK_MESSAGE(result.exit_code == 0, result.out << result.err);
  CHECK(contains(result.out, "Identical"));
#endif
}

TEST_CASE("every setting has words for its --override, and a run that it changes") {
  std::set<std::string_view> keys;
  for (const Setting& setting : settings()) {
    CHECK_MESSAGE(keys.insert(setting.key).second, setting.key);
    const OverrideRule& rule = setting.override_rule;
    CHECK(rule.words.empty() == (rule.kind == OverrideKind::kFromNextStep));
  }
  std::set<std::string_view> changed;
  for (const OverrideChange& change : kOverrideChanges) changed.insert(change.key);
  CHECK(changed == keys);
}

TEST_CASE("docs/reliability.md has every override that does more than apply from the next step on") {
  const std::string page = content_of(fs::path(BELLMAN_DOCS) / "reliability.md");
  const std::size_t begin = page.find("## Resume with other settings"),
                    end = page.find("## What was measured");
  for (const Setting& setting : settings()) {
    const std::string key = "`" + file_key(setting) + "`";
    std::string found;
    for (const std::string& line : lines_of(page.substr(begin, end - begin)))
      if (found.empty() && contains(line, key) && line.starts_with("|")) found = line;
    CHECK_MESSAGE(found.empty() == (setting.override_rule.kind == OverrideKind::kFromNextStep), key);
    CHECK_MESSAGE(contains(found, std::string(setting.override_rule.words)), key);
  }
}

TEST_CASE(
    "an override of every setting holds from the next step on and verify repeats it, or it is refused") {
  const TemporaryDirectory top;
  for (const auto& [name, words] : kOverrideRuns) train(top / name, words);
  for (const OverrideChange& change : kOverrideChanges) {
    CAPTURE(change.key);
    const fs::path run = top / "run";
    fs::remove_all(run);
    fs::copy(top / change.run, run);
    Words changes = {change.key + "=" + change.value};
    if (change.key != "total-timesteps") changes.push_back("total-timesteps=400");
    const OverrideRule& rule = find_setting(change.key)->override_rule;
    if (rule.kind == OverrideKind::kOnlyAtStart) {
      check_refused(going_on(run, changes), {file_key(*find_setting(change.key)), std::string(rule.words)});
      continue;
    }
    const CommandResult result = run_bellman(going_on(run, changes));
    if (change.key == "map") {  // eight by eight cells do not fit the network of four by four
      CHECK(result.exit_code == 2);
      CHECK(contains(result.err, "observations (64)"));
      continue;
    }
    REQUIRE_MESSAGE(result.exit_code == 0, result.err);
    const Checkpoint last = load_checkpoint(checkpoints_of(run).front());
    CHECK(last.timestep >= 400);
    REQUIRE(last.history.size() == 1);
    CHECK(last.history[0].until == 300);
    CHECK(contains(last.config, "\n" + file_key(*find_setting(change.key)) + " = "));
    check_verifies(run);
  }
}

nlohmann::json json_of(const fs::path& run, const Words& changes) {
  const CommandResult result = run_bellman(going_on(run, changes) + Words{"--json"});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  return parse_json(result.out);
}

TEST_CASE("keep_best that is switched off keeps the last network, and switched on the best from there on") {
  const TemporaryDirectory top;
  train(top / "run", {"--env-id", "CartPole-v1"});
  CHECK(json_of(top / "run", {"keep_best=false"})["model_timestep"] == 300);
  CHECK(json_of(top / "run", {"total_timesteps=450"})["model_timestep"] == 450);
  const auto timestep =
      json_of(top / "run", {"keep_best=true", "total_timesteps=650"})["model_timestep"].get<Index>();
  CHECK((timestep == 500 || timestep == 600 || timestep == 650));
  CHECK(load_model(top / "run" / "model.safetensors").timestep == timestep);
  check_verifies(top / "run");
}

TEST_CASE("a run that was solved is asked anew when what solves it changes") {
  const TemporaryDirectory top;
  const Words solves = {"--env-id", "CartPole-v1", "--solved-return", "3", "--stop-when-solved"};
  for (const std::string change : {"solved_return=495", "solve_confirm_episodes=2", "eval_epsilon=0.5"}) {
    CAPTURE(change);
    const fs::path run = top / change;
    train(run, solves);
    REQUIRE(checkpoints_of(run).front().filename() == "checkpoint-000000000100.safetensors");
    const nlohmann::json result = json_of(run, {change});
    CHECK(result["total_timesteps"] == (change == "solved_return=495" ? 300 : 200));
    CHECK(result["solved_at_timestep"].is_null() == (change == "solved_return=495"));
    check_verifies(run);
  }
  train(top / "on", solves);  // it continues, and stays solved
  const nlohmann::json result = json_of(top / "on", {"stop_when_solved=false"});
  CHECK(result["total_timesteps"] == 300);
  CHECK(result["solved_at_timestep"] == 100);
  check_verifies(top / "on");
}

TEST_CASE("per_alpha of 0 knows no priorities that another exponent could count") {
  const TemporaryDirectory top;
  train(top / "run", {"--env-id", "CartPole-v1", "--prioritized", "--per-alpha", "0"});
  check_refused(going_on(top / "run", {"per_alpha=0.5", "total_timesteps=400"}), {"per_alpha was 0"});
  CHECK(json_of(top / "run", {"total_timesteps=400"})["total_timesteps"] == 400);
}

/// A run that a stop ended within its evaluation at step 100.
void leave_cut_run(const fs::path& path) {
  TrainConfig config;
  config.network = "dense 8, relu";
  config.total_timesteps = 200;
  config.learning_starts = 20;
  config.batch_size = 4;
  config.eval_frequency = 100;
  config.eval_episodes = 6;
  config.final_eval_episodes = 1;
  config.solve_confirm_episodes = 0;
  std::atomic<bool> stop = false;
  Meddling stops_in_evaluation;
  stops_in_evaluation.with_step = [&](Index instance, Index step, StepResult&) {
    if (instance > 0 && step == 3) stop = true;
  };
  const Device device = make_device(config.device, config.threads);
  TrainerParts parts = device.parts;
  parts.make_env = meddled_env(config.env, stops_in_evaluation);
  Trainer trainer(config, *device.backend, parts);
  RunDirectory directory(path, false);
  RunFiles files(directory, config);
  files.attach(trainer, "bellman train", std::cerr);
  trainer.set_checkpoint_hook(0, [&](Index timestep) {
    Checkpoint checkpoint{.version = "1",
                          .build = build_id(),
                          .device = device.backend->name(),
                          .config = config_file_text(config),
                          .timestep = timestep,
                          .logs = files.sizes(),
                          .state = {}};
    StateWriter out(checkpoint.state);
    trainer.save(out);
    REQUIRE(StateReader(checkpoint.state, "").count("trainer.evaluation_is_due") == 1);
    save_checkpoint(checkpoint_path(path, timestep), checkpoint);
  });
  trainer.run(&stop);
  directory.keep();
}

TEST_CASE(
    "an evaluation that was cut is made with the settings it belongs to, and those after it with others") {
  const TemporaryDirectory top;
  leave_cut_run(top / "cut");
  fs::copy(top / "cut", top / "plain");
  REQUIRE(run_bellman(going_on(top / "cut", {"eval_episodes=3"})).exit_code == 0);
  REQUIRE(run_bellman(going_on(top / "plain", {})).exit_code == 0);
  const auto episodes = [&](const fs::path& run) {
    const Checkpoint last = load_checkpoint(checkpoints_of(run).front());
    return StateReader(last.state, "").count("trainer.evaluation_episodes");
  };
  CHECK(episodes(top / "cut") == 6 + 3);
  CHECK(episodes(top / "plain") == 6 + 6);
  const auto rows = [](const fs::path& run) { return lines_of(content_of(run / "progress.csv")).size(); };
  CHECK(rows(top / "cut") == rows(top / "plain"));
  check_verifies(top / "cut");
  check_verifies(top / "plain");
}

TEST_CASE("settings with which no step was made are remembered: what they forgot stays forgotten") {
  const TemporaryDirectory top;
  train(top / "run", {"--env-id", "CartPole-v1"});
  for (const Words& changes : {Words{"keep_best=false"}, Words{"keep_best=true"}, Words{"env_id=CartPole-v0"},
                               Words{"env_id=CartPole-v1"}}) {
    REQUIRE(run_bellman(going_on(top / "run", changes)).exit_code == 0);
    check_verifies(top / "run");
  }
  CHECK(load_checkpoint(checkpoints_of(top / "run").front()).history.size() == 4);
  json_of(top / "run", {"total_timesteps=400"});
  check_verifies(top / "run");
}

}  // namespace
}  // namespace bellman::test
