// Every row of the settings' table: changing it changes what a run computes or writes. Where it does not
// apply, it is refused. A new row fails here until a run is named that it changes.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "apps/settings/settings.h"
#include "core/cpu/cpu_backend.h"
#include "rl/train/trainer.h"
#include "tests/apps/commands/train_run.h"
#include "tests/apps/run_outcome.h"
#include "tests/support/parse_json.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_data.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;
using Values = std::vector<std::pair<std::string_view, std::string>>;  // keys and values

/// How a setting shows.
struct Case {
  std::string_view key;
  std::string value;  // another than the run's
  Values run{};       // settings of a run that it applies to, beside kRun
  /// Of one that it does not apply to; one for each of its conditions.
  std::vector<Values> without{};
};

/// Small, and with everything in it: learning, evaluations, rows.
const Values kRun = {{"total-timesteps", "240"},      {"learning-starts", "40"},
                     {"train-frequency", "4"},        {"batch-size", "8"},
                     {"buffer-size", "100"},          {"network", "dense 6, relu"},
                     {"eval-frequency", "40"},        {"eval-episodes", "2"},
                     {"final-eval-episodes", "2"},    {"solve-confirm-episodes", "2"},
                     {"log-frequency", "40"},         {"learning-rate", "3e-3"},
                     {"exploration-fraction", "0.5"}, {"target-network-frequency", "40"}};

const Values kNoReplay = {{"replay", "false"}};
const Values kNoTarget = {{"target-network", "false"}};
const Values kMunchausen = {{"munchausen", "true"}};
const Values kNoEvaluation = {{"eval-frequency", "0"}};
const Values kLake = {{"env-id", "FrozenLake-v1"}};
const Values kCliff = {{"env-id", "CliffWalking-v1"}};
/// A lake that another process plays.
Values python_lake(const std::string& kwargs) {
  return {{"env-id", "gymnasium:FrozenLake-v1"}, {"env-kwargs", kwargs}, {"python", test_python()}};
}
/// Breakout as ale_py has it; random play soon loses a life.
Values plain_game() {
  return {{"env-id", "gymnasium:ALE/Breakout-v5"}, {"python", test_python()},
          {"network", "flatten, dense 2, relu"},   {"max-episode-steps", "60"},
          {"observation-scale", "0.004"},          {"eval-frequency", "120"}};
}
/// And as agents play it.
Values game() {
  Values values = plain_game();
  values.emplace_back("atari", "true");
  return values;
}
const Values kRmsProp = {{"optimizer", "rmsprop"}};
const Values kPrioritized = {{"prioritized", "true"}};
const Values kSolved = {{"solved-return", "5"}};

std::vector<Case> cases() {
  return {
      // clang-format off
      {"env-id", "FrozenLake-v1"},
      {"map", "8x8", kLake, {kCliff}},
      {"observation", "coordinates", kLake, {{}}},
      {"slippery", "true", {{"env-id", "FrozenLake-v1"}, {"slippery", "false"}}, {kCliff}},
      {"success-rate", "0.9", kLake, {kCliff, {{"env-id", "FrozenLake-v1"}, {"slippery", "false"}}}},
      {"slip", "0.5", {{"env-id", "GridWorld-v0"}}, {kLake}},
      {"sutton-barto-reward", "true", {}, {kLake}},
      {"max-episode-steps", "5"},
      {"frame-stack", "2"},
      {"env-kwargs", "is_slippery=true", python_lake("is_slippery=false"), {{}}},
      {"python", "python3", {}, {{}}},
      {"env-workers", "2", {}, {{}}},
      {"env-timeout", "50", {}, {{}}},
      {"atari", "true", plain_game(), {{}}},
      {"noop-max", "3", game(), {plain_game()}},
      {"frame-skip", "2", game(), {plain_game()}},
      {"screen-size", "20", game(), {plain_game()}},
      {"terminal-on-life-loss", "true", game(), {plain_game()}},

      {"seed", "2"},
      {"total-timesteps", "280"},
      {"num-envs", "2"},
      {"threads", "3", {}, {{{"device", "reference"}}}},
      {"device", "simt"},
      {"learner", "op-by-op"},
      {"on-nan", "skip", {{"reward-scale", "1e30"}}},

      {"network", "dense 5, relu"},
      {"dueling", "true"},
      {"initialiser", "he"},

      {"optimizer", "rmsprop"},
      {"learning-rate", "1e-2"},
      {"anneal-learning-rate", "true"},
      {"optimizer-epsilon", "1e-2", {}, {{{"optimizer", "sgd"}}}},
      {"weight-decay", "0.1", {{"optimizer", "sgd"}}},
      {"momentum", "0.5", {{"optimizer", "sgd"}}, {{}}},
      {"rmsprop-alpha", "0.5", kRmsProp, {{{"optimizer", "sgd"}}}},
      {"rmsprop-centered", "true", kRmsProp, {{{"optimizer", "adamw"}}}},
      {"rmsprop-epsilon-in-root", "true", {{"optimizer", "rmsprop"}, {"optimizer-epsilon", "1e-3"}}, {{}}},
      {"max-grad-norm", "0.01"},

      {"gamma", "0.5"},
      {"double", "true", {{"learning-rate", "0.1"}}, {kNoTarget}},
      {"munchausen", "true", {}, {{{"double", "true"}}, {{"n-step", "3"}}}},
      {"munchausen-alpha", "0.5", kMunchausen, {{}}},
      {"munchausen-temperature", "0.5", kMunchausen, {{}}},
      {"munchausen-clip", "-0.01", kMunchausen, {{}}},
      {"n-step", "3"},
      {"loss", "huber"},
      {"huber-delta", "0.01", {{"loss", "huber"}}, {{}}},
      {"target-network", "false"},
      {"tau", "0.5", {}, {kNoTarget}},
      {"target-network-frequency", "20", {}, {kNoTarget}},

      {"replay", "false"},
      {"buffer-size", "60", {}, {kNoReplay}},
      {"prioritized", "true", {}, {kNoReplay}},
      {"per-alpha", "0.2", kPrioritized, {{}}},
      {"per-beta-start", "0.9", kPrioritized, {{}}},
      {"per-beta-end", "0.5", kPrioritized, {{}}},
      {"per-epsilon", "0.5", kPrioritized, {{}}},
      {"batch-size", "16", {}, {kNoReplay}},
      {"learning-starts", "80", {}, {kNoReplay}},
      {"train-frequency", "8", {}, {kNoReplay}},
      {"gradient-steps", "2", {}, {kNoReplay}},

      {"exploration-schedule", "exponential"},
      {"start-e", "0.5"},
      {"end-e", "0.3"},
      {"exploration-fraction", "0.2", {}, {{{"exploration-schedule", "exponential"}}}},
      {"exploration-decay", "0.9", {{"exploration-schedule", "exponential"}}, {{}}},

      {"normalize-observation", "true"},
      {"observation-scale", "0.5", {}, {{{"normalize-observation", "true"}}}},
      {"reward-scale", "2"},
      {"reward-clip", "0.5"},

      {"eval-frequency", "60"},
      {"eval-episodes", "3", {}, {kNoEvaluation}},
      {"final-eval-episodes", "3"},
      {"eval-epsilon", "0.9"},
      {"eval-seed", "5"},
      {"keep-best", "true", {{"keep-best", "false"}}, {kNoEvaluation}},
      {"solved-return", "5", {}, {kNoEvaluation}},
      {"solve-confirm-episodes", "0", kSolved, {kNoEvaluation}},
      {"stop-when-solved", "true", {{"solved-return", "5"}, {"eval-frequency", "120"}}},

      {"log-frequency", "20"},
      {"diagnostics", "full"},

      {"checkpoint-frequency", "100"},
      {"checkpoint-seconds", "1e-3", {{"total-timesteps", "60000"}}},
      {"keep", "1", {{"checkpoint-frequency", "60"}}},
      // clang-format on
  };
}

Words flags(const Values& values) {
  Words words;
  for (const auto& [key, value] : values) {
    if (is_switch(*find_setting(key)))
      words.push_back((value == "true" ? "--" : "--no-") + std::string(key));
    else
      words.insert(words.end(), {"--" + std::string(key), value});
  }
  return words;
}

/// kRun, but for what `other` says, or what does not apply beside it.
Values run_with(const Values& other) {
  TrainConfig config;
  const auto set = [&](const Values& values) {
    for (const auto& [key, value] : values) assign(config, *find_setting(key), key, value);
  };
  set(kRun);
  set(other);
  Values all;
  for (const auto& of_run : kRun) {
    const Setting* const setting = find_setting(of_run.first);
    const bool is_other =
        std::any_of(other.begin(), other.end(), [&](const auto& o) { return o.first == of_run.first; });
    if (!is_other && !missing_condition(*setting, config)) all.emplace_back(of_run);
  }
  all.insert(all.end(), other.begin(), other.end());
  return all;
}

CommandResult train(const fs::path& directory, const Values& values) {
  return run_bellman(
      Words{"train", "--preset", "none", "--json", "--quiet", "--run-dir", directory.string()} +
      flags(values));
}

/// What a run computes and leaves, without what only repeats its settings.
struct Trace {
  int exit_code = 0;
  std::map<std::string, std::string> tensors;
  std::vector<std::string> monitor, progress, diagnostics, events;
  std::multiset<std::string> files;
  nlohmann::json evaluation;

  friend bool operator==(const Trace&, const Trace&) = default;
};

Trace trace_of(const fs::path& directory, const Values& values) {
  const CommandResult result = train(directory, values);
  Trace trace;
  trace.exit_code = result.exit_code;
  if (result.exit_code != 0) return trace;
  RunOutcome outcome = outcome_of(directory);
  trace.tensors = std::move(outcome.tensors);
  trace.monitor = std::move(outcome.monitor);
  trace.progress = std::move(outcome.progress);
  trace.diagnostics = std::move(outcome.diagnostics);
  trace.events = std::move(outcome.events);
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    trace.files.insert(name.starts_with("events.") ? "events" : name);
  }
  trace.evaluation = parse_json(result.out)["eval"];
  trace.evaluation.erase("seed");
  return trace;
}

const Case* case_of(const std::vector<Case>& all, const Setting& setting) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Case& c) { return c.key == setting.key; });
  return found == all.end() ? nullptr : &*found;
}

TEST_CASE("every setting changes what a run computes or leaves") {
  const TemporaryDirectory top;
  const std::vector<Case> all = cases();
  std::map<Values, Trace> before_of;  // many settings are changed in the same run
  int number = 0;
  for (const Setting& setting : settings()) {
    const Case* const c = case_of(all, setting);
    REQUIRE_MESSAGE(c, "no run shows what " << setting.key << " does: name one in cases()");
    if (setting.key == "threads") continue;  // results do not depend on it; below
    // Nor on these: tests/envs/process/test_process_envs.py.
    if (setting.key == "python" || setting.key == "env-workers" || setting.key == "env-timeout") continue;
    INFO(setting.key << " = " << c->value);
    const std::string name = std::to_string(++number);
    Values changed = c->run;
    std::erase_if(changed, [&](const auto& value) { return value.first == c->key; });
    changed.emplace_back(c->key, c->value);
    const auto [known, is_new] = before_of.try_emplace(c->run);
    if (is_new) known->second = trace_of(top / (name + "a"), run_with(c->run));
    const Trace& before = known->second;
    const Trace after = trace_of(top / (name + "b"), run_with(changed));
    CHECK(after.exit_code == 0);
    CHECK((before.exit_code == 0 || c->key == "on-nan"));
    CHECK(!(before == after));
  }
  CHECK(all.size() == settings().size());
}

TEST_CASE("--threads is how many threads a run has") {
  const TemporaryDirectory top;
  const auto threads_of = [&](const std::string& asked) {
    std::size_t most = 0;
    const auto count = [&](int pid, const std::string& /*out*/) {
      std::error_code error;
      const fs::directory_iterator tasks("/proc/" + std::to_string(pid) + "/task", error);
      if (!error) most = std::max(most, static_cast<std::size_t>(std::distance(begin(tasks), end(tasks))));
    };
    const Words words =
        Words{"train", "--preset", "none", "--run-dir", (top / asked).string(), "--threads", asked} +
        flags(run_with({{"total-timesteps", "20000"}, {"eval-frequency", "0"}}));
    const CommandResult result = run_bellman(words, {.on_output = count});
    CHECK_MESSAGE(result.exit_code == 0, result.err);
    return most;
  };
  CHECK(threads_of("3") == threads_of("1") + 2);
}

TEST_CASE("a setting that does not apply is refused, one for each of its conditions") {
  const std::vector<Case> all = cases();
  for (const Setting& setting : settings()) {
    const Case* const c = case_of(all, setting);
    REQUIRE_MESSAGE(c, setting.key);
    INFO(setting.key);
    CHECK(c->without.size() == setting.conditions.size());
    for (const Values& without : c->without) {
      Values values = run_with(without);
      values.emplace_back(c->key, c->value);
      const CommandResult result =
          run_bellman(Words{"train", "--preset", "none", "--dry-run"} + flags(values));
      CHECK_MESSAGE(result.exit_code == 2, result.out);
      CHECK_MESSAGE(result.err.starts_with("bellman train: --" + std::string(c->key) + " applies only with "),
                    result.err);
    }
  }
}

/// The last state of a run in this process.
std::map<std::string, std::string> state_after(const TrainConfig& config) {
  CpuBackend backend(1);
  Trainer trainer(config, backend);
  std::map<std::string, std::string> state;
  trainer.set_checkpoint_hook(0, [&](Index) {
    TensorFile file;
    StateWriter out(file);
    trainer.save(out);
    for (const FileTensor& tensor : file.tensors)
      if (!tensor.name.starts_with("time."))
        state[tensor.name] = {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()};
  });
  trainer.run();
  return state;
}

TEST_CASE("a setting that does not apply changes nothing, wherever its value comes from") {
  for (const Case& c : cases()) {
    const Setting& setting = *find_setting(c.key);
    // make_env and TrainConfig::validate refuse these themselves.
    if (setting.section == "Environment" || c.key == "prioritized" || c.key == "munchausen") continue;
    for (const Values& without : c.without) {
      INFO(c.key);
      TrainConfig config;
      for (const auto& [key, value] : run_with(without)) assign(config, *find_setting(key), key, value);
      TrainConfig changed = config;
      assign(changed, setting, c.key, c.value);
      CHECK(missing_condition(setting, changed) != nullptr);
      CHECK(state_after(config) == state_after(changed));
    }
  }
}

}  // namespace
}  // namespace bellman::test
