#include "apps/settings/resolve.h"

#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include "apps/settings/presets.h"
#include "bench/training_loops.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

Assignment flag(std::string_view key, const std::string& text) {
  return {find_setting(key), text, "--" + std::string(key), "flag"};
}

std::string origin(const ResolvedConfig& resolved, std::string_view key) {
  return resolved.origins[static_cast<std::size_t>(find_setting(key) - settings().data())];
}

TEST_CASE("a flag wins over the file, the file over the preset, the preset over the default") {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory / "run.toml";
  std::ofstream(file) << "learning_rate = 0.25\nbatch_size = 32\n";
  const Assignment flags[] = {flag("batch-size", "16")};
  const ResolvedConfig resolved = resolve(flags, read_config_file(file), "textbook");

  CHECK(resolved.config.batch_size == 16);
  CHECK(origin(resolved, "batch-size") == "flag");
  CHECK(resolved.config.learning_rate == 0.25);
  CHECK(origin(resolved, "learning-rate") == "file " + file.string() + ":1");
  CHECK(resolved.config.exploration_schedule == ExplorationSchedule::kExponential);
  CHECK(origin(resolved, "exploration-schedule") == "preset textbook");
  CHECK(resolved.config.per_alpha == TrainConfig().per_alpha);
  CHECK(origin(resolved, "per-alpha") == "default");
}

TEST_CASE("the preset follows the environment, from a flag as from a file") {
  const Assignment flags[] = {flag("env-id", "CliffWalking-v1")};
  CHECK(origin(resolve(flags, std::nullopt, std::nullopt), "reward-scale") == "preset CliffWalking");

  const TemporaryDirectory directory;
  const std::filesystem::path file = directory / "run.toml";
  std::ofstream(file) << "env_id = \"CliffWalking-v1\"\n";
  CHECK(origin(resolve({}, read_config_file(file), std::nullopt), "reward-scale") == "preset CliffWalking");
  CHECK(origin(resolve({}, std::nullopt, std::nullopt), "reward-scale") == "default");
}

TEST_CASE("the default trainings that benches measure are those of the presets") {
  const std::string end = " --final-eval-episodes 1";
  CHECK(train_command(bench::cartpole(100'000)) == "bellman train" + end + " --no-stop-when-solved");
  CHECK(train_command(bench::frozen_lake(150'000)) == "bellman train --env-id FrozenLake-v1" + end);
  CHECK(train_command(bench::frozen_lake_8x8(300'000)) == "bellman train --env-id FrozenLake8x8-v1" + end);
}

TEST_CASE("a later preset refines an earlier one") {
  const Assignment flags[] = {flag("env-id", "FourRooms-v0"), flag("observation", "planes")};
  const ResolvedConfig resolved = resolve(flags, std::nullopt, std::nullopt);
  CHECK(resolved.config.network.starts_with("conv "));
  CHECK(origin(resolved, "network").ends_with("planes"));
}

TEST_CASE("presets can be chosen: by flag, else by file; or switched off") {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory / "run.toml";
  std::ofstream(file) << "preset = \"textbook\"\n";
  CHECK(resolve({}, read_config_file(file), std::nullopt).config.end_e == 0.01);
  CHECK(resolve({}, read_config_file(file), "none").config.end_e == TrainConfig().end_e);
  CHECK(error_message([] { resolve({}, std::nullopt, "textbok"); }) ==
        "unknown preset \"textbok\" (did you mean \"textbook\"?)");
}

/// What is said of the settings that do not apply.
std::string complaint(std::span<const Assignment> flags, const std::optional<ConfigFile>& file = {},
                      const std::optional<std::string>& preset = "none") {
  return error_message([&] { validate(resolve(flags, file, preset)); });
}

TEST_CASE("a flag that does not apply to the run is refused with the setting that decides, and its origin") {
  struct Case {
    std::vector<Assignment> flags;
    std::string expected;
  };
  const std::vector<Case> cases = {
      {{flag("momentum", "0.9")},
       "--momentum applies only with optimizer rmsprop or sgd, and optimizer is adam (default)"},
      {{flag("optimizer", "sgd"), flag("adam-epsilon", "1e-4")},
       "--adam-epsilon applies only with optimizer adam, adamw or rmsprop, and optimizer is sgd (flag)"},
      {{flag("target-network", "false"), flag("tau", "0.5"), flag("per-alpha", "0.6")},
       "--tau applies only with target_network true, and target_network is false (flag); --per-alpha applies "
       "only with prioritized true, and prioritized is false (default)"},
      {{flag("env-id", "CliffWalking-v1"), flag("slippery", "true")},
       "--slippery applies only with env_id FrozenLake, and env_id is CliffWalking-v1 (flag)"},
      {{flag("env-id", "FrozenLake-v1"), flag("slippery", "false"), flag("success-rate", "0.5")},
       "--success-rate applies only with slippery true, and slippery is false (flag)"},
      {{flag("eval-frequency", "0"), flag("keep-best", "true")},
       "--keep-best applies only with eval_frequency above 0, and eval_frequency is 0 (flag)"},
      // What is off is off anyway.
      {{flag("eval-frequency", "0"), flag("keep-best", "false")}, "no error"},
      {{flag("target-network", "false"), flag("double", "false")}, "no error"},
      {{flag("optimizer", "rmsprop"), flag("adam-epsilon", "1e-4")}, "no error"},
  };
  for (const Case& c : cases) CHECK(complaint(c.flags) == c.expected);
}

TEST_CASE("what a preset brings may be without effect, what a file brings only by a flag") {
  const Assignment no_target[] = {flag("target-network", "false")};
  CHECK(complaint(no_target, {}, "auto") == "no error");  // CartPole's preset has double and a frequency
  const Assignment no_replay[] = {flag("replay", "false")};
  CHECK(complaint(no_replay, {}, "auto") == "no error");  // and prioritized
  CHECK(!resolve(no_replay, std::nullopt, "auto").config.prioritized);
  const Assignment linear[] = {flag("exploration-schedule", "linear")};
  CHECK(complaint(linear, {}, "textbook") == "no error");  // which has exploration-decay

  const TemporaryDirectory directory;
  const std::filesystem::path file = directory / "run.toml";
  std::ofstream(file) << "preset = \"none\"\noptimizer = \"rmsprop\"\nmomentum = 0.9\n";
  CHECK(complaint({}, read_config_file(file), {}) == "no error");
  const Assignment adam[] = {flag("optimizer", "adam")};
  CHECK(complaint(adam, read_config_file(file), {}) == "no error");
  std::ofstream(file) << "preset = \"none\"\nmomentum = 0.9\n";
  CHECK(complaint({}, read_config_file(file), {}) ==
        file.string() +
            ":2: momentum applies only with optimizer rmsprop or sgd, and optimizer is adam (default)");
  const Assignment sgd[] = {flag("optimizer", "sgd")};
  CHECK(complaint(sgd, read_config_file(file), {}) == "no error");
  std::ofstream(file) << config_file_text(resolve(no_target, std::nullopt, std::nullopt).config);
  CHECK(complaint({}, read_config_file(file), {}) == "no error");
}

TEST_CASE("the recipe of CleanRL's dqn.py") {
  const TrainConfig config = resolve({}, std::nullopt, "cleanrl").config;
  CHECK(config.network == "dense 120, relu, dense 84, relu");
  CHECK(config.learning_rate == 2.5e-4);
  CHECK(config.buffer_size == 10'000);
  CHECK(config.batch_size == 128);
  CHECK(config.target_network_frequency == 500);
  CHECK(config.learning_starts == 10'000);
  CHECK(config.train_frequency == 10);
  CHECK(config.start_e == 1.0);
  CHECK(config.end_e == 0.05);
  CHECK(config.exploration_fraction == 0.5);
  CHECK(config.total_timesteps == 500'000);
  CHECK(config.loss == LossKind::kMeanSquaredError);
  CHECK(config.gamma == 0.99);
  CHECK(config.tau == 1.0);
  CHECK(!config.double_dqn);
  CHECK(!config.stop_when_solved);
}

TEST_CASE("every preset holds values that are accepted and fit together") {
  for (const Preset& preset : presets()) {
    INFO("preset " << preset.name);
    resolve({}, std::nullopt, std::string(preset.name)).config.validate();
  }
  for (const EnvEntry& env : env_entries()) {
    INFO("environment " << env.id);
    const Assignment flags[] = {flag("env-id", std::string(env.id))};
    const ResolvedConfig resolved = resolve(flags, std::nullopt, std::nullopt);
    resolved.config.validate();
    CHECK_MESSAGE(origin(resolved, "total-timesteps") != "default", "no preset for this environment");
  }
}

TEST_CASE("the table shows every setting with its value and origin") {
  const Assignment flags[] = {flag("gamma", "0.5")};
  const std::string table = settings_table(resolve(flags, std::nullopt, "none"));
  for (const Setting& setting : settings())
    CHECK(table.find("\n  " + std::string(setting.key) + " ") != std::string::npos);
  const std::size_t line = table.find("\n  gamma ");
  CHECK(table.substr(line, table.find('\n', line + 1) - line).ends_with("  flag"));
  CHECK(table.find("0.5 ") != std::string::npos);
  const std::size_t momentum = table.find("\n  momentum ");
  CHECK(table.substr(momentum, table.find('\n', momentum + 1) - momentum)
            .ends_with("  default, does not apply"));
  CHECK(table.find("\n  map                       \"\" ") != std::string::npos);
}

}  // namespace
}  // namespace bellman::test
