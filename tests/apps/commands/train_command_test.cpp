// `bellman train` as a user runs it; train_refusal_test.cpp has what it refuses.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/io/safetensors.h"
#include "tests/apps/commands/train_run.h"
#include "tests/apps/text_file.h"
#include "tests/support/parse_json.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;
const std::set<std::string> kFiles = {"checkpoint",          "config.toml",  "diagnostics.csv",
                                      "events.out.tfevents", "lock",         "model.safetensors",
                                      "monitor.csv",         "progress.csv", "report.html"};

TEST_CASE("only a run that saves while it trains counts memory for a copy of its state") {
  const Words dry = {"train", "--dry-run", "--env-id", "CartPole-v1", "--buffer-size", "1000000"};
  const auto says_copy = [&](const Words& more) {
    return run_bellman(dry + more).out.find("MiB more for the copy") != std::string::npos;
  };
  CHECK(says_copy({}));
  CHECK(says_copy({"--checkpoint-seconds", "0", "--checkpoint-frequency", "5000"}));
  CHECK(!says_copy({"--checkpoint-seconds", "0"}));
}

TEST_CASE("a short run writes its files and says how it went") {
  const TemporaryDirectory top;
  const CommandResult result = run_bellman(kShort + Words{"--run-dir", (top / "run").string()});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  CHECK(result.err.empty());
  CHECK(names(top / "run") == kFiles);
  CHECK(result.out.find("100 %") != std::string::npos);
  CHECK(result.out.find("Not solved") != std::string::npos);
  const std::string run = (top / "run").string();  // commands that work as they are printed
  CHECK(result.out.find("\n    " BELLMAN_COMMAND " sweep --config " + run + "/config.toml --seeds 0-9\n") !=
        std::string::npos);
  CHECK(result.out.find("\n    " BELLMAN_COMMAND " train --resume " + run + " --override total_timesteps=") !=
        std::string::npos);
  CHECK(result.out.find("\n  " BELLMAN_COMMAND " eval --checkpoint " + run + "/model.safetensors\n") !=
        std::string::npos);
  CHECK(result.out.find("over 3 fresh episodes") != std::string::npos);

  const std::vector<std::string> monitor = lines_of(content_of(top / "run/monitor.csv"));
  REQUIRE(monitor.size() > 3);
  const nlohmann::json head = parse_json(monitor[0].substr(1));
  CHECK(head.at("env_id") == "CartPole-v1");
  CHECK(head.at("t_start").get<double>() > 1.6e9);
  CHECK(monitor[1] == "r,l,t");

  const std::vector<std::string> progress = lines_of(content_of(top / "run/progress.csv"));
  CHECK(progress.size() == 1 + 6);
  CHECK(progress[0].starts_with("rollout/ep_rew_mean,rollout/ep_len_mean,"));

  const TensorFile model = read_safetensors(top / "run/model.safetensors");
  CHECK(model.metadata.at("network") == "dense 8, relu, dense 2");
  CHECK(model.find("0.weight") != nullptr);
  CHECK(model.find("2.bias") != nullptr);
  CHECK(model.tensors.size() == 4);
}

TEST_CASE("--json prints one object on stdout, and everything else on stderr") {
  const TemporaryDirectory top;
  const CommandResult result =
      run_bellman(kShort + Words{"--json", "--seed", "5", "--run-dir", (top / "run").string()});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  CHECK(lines_of(result.out).size() == 1);
  CHECK(result.err.find("Evaluation: ") != std::string::npos);
  const nlohmann::json json = parse_json(result.out);
  CHECK(json.at("env_id") == "CartPole-v1");
  CHECK(json.at("seed") == 5);
  CHECK(json.at("total_timesteps") == 600);
  CHECK(json.at("gradient_updates").get<int>() > 0);
  CHECK(json.at("wall_seconds").get<double>() > 0);
  CHECK(json.at("env_steps_per_second").get<double>() > 0);
  CHECK(json.at("gradient_steps_per_second").get<double>() > 0);
  CHECK(json.at("solved_at_timestep").is_null());
  CHECK(json.at("seconds_to_solve").is_null());
  CHECK(json.at("interrupted") == false);
  const nlohmann::json& eval = json.at("eval");
  CHECK(eval.at("episodes") == 3);
  CHECK(eval.at("min").get<double>() <= eval.at("mean").get<double>());
  CHECK(eval.at("mean").get<double>() <= eval.at("max").get<double>());
  CHECK(eval.at("std").get<double>() >= 0);
  CHECK(!json.contains("policy_value"));
}

TEST_CASE("a gridworld's policy is valued exactly, beside the optimum") {
  const TemporaryDirectory top;
  const CommandResult result =
      run_bellman({"train", "--env-id", "FrozenLake-v1", "--no-slippery", "--json", "--total-timesteps",
                   "4000", "--learning-starts", "200", "--run-dir", (top / "run").string()});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  const nlohmann::json json = parse_json(result.out);
  // The shortest way to the goal takes six steps, and only the sixth is rewarded.
  CHECK(json.at("optimal_value").get<double>() == doctest::Approx(std::pow(0.99, 5)));
  CHECK(json.at("optimal_return") == 1.0);
  CHECK(json.at("policy_value").get<double>() <= json.at("optimal_value").get<double>());
  // On firm ground a greedy policy always gets there or never does.
  CHECK(json.at("policy_return") == json.at("eval").at("mean"));
  CHECK(result.err.find("the best possible 0.95099") != std::string::npos);
}

TEST_CASE("--quiet says nothing") {
  const TemporaryDirectory top;
  const CommandResult result = run_bellman(kShort + Words{"--quiet", "--run-dir", (top / "run").string()});
  CHECK(result.exit_code == 0);
  CHECK(result.out.empty());
  CHECK(result.err.empty());
  CHECK(names(top / "run") == kFiles);
}

TEST_CASE("without --run-dir a new directory under runs/ is made each time") {
  const TemporaryDirectory top;
  const CommandOptions there = {.working_directory = top.path()};
  REQUIRE(run_bellman(kShort + Words{"--quiet"}, there).exit_code == 0);
  REQUIRE(run_bellman(kShort + Words{"--quiet"}, there).exit_code == 0);
  const auto made = names(top / "runs");
  CHECK(made.size() == 2);
  for (const std::string& name : made) CHECK(name.starts_with("CartPole-v1__1__"));
}

TEST_CASE("the same seed gives the same bits, and config.toml the same run again") {
  const TemporaryDirectory top;
  const auto run = [&](const std::string& name, const Words& words) {
    const CommandResult result = run_bellman(words + Words{"--quiet", "--run-dir", (top / name).string()});
    REQUIRE_MESSAGE(result.exit_code == 0, result.err);
    return content_of(top / (name + "/model.safetensors"));
  };
  const std::string first = run("first", kShort + Words{"--seed", "3"});
  CHECK(run("again", kShort + Words{"--seed", "3"}) == first);
  CHECK(run("other", kShort + Words{"--seed", "4"}) != first);
  CHECK(run("config", {"train", "--config", (top / "first/config.toml").string()}) == first);
  CHECK(content_of(top / "config/config.toml") == content_of(top / "first/config.toml"));
}

TEST_CASE("--dry-run shows values and origins, trains and writes nothing") {
  const TemporaryDirectory top;
  std::ofstream(top / "run.toml") << "gamma = 0.9\n";
  const CommandResult result =
      run_bellman({"train", "--dry-run", "--config", "run.toml", "--no-double", "--seed", "1", "--seed", "9"},
                  {.working_directory = top.path()});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  const auto has_line = [&](const std::string& key, const std::string& value, const std::string& origin) {
    const std::vector<std::string> all = lines_of(result.out);
    return std::any_of(all.begin(), all.end(), [&](const std::string& line) {
      std::istringstream in(line);
      std::string k, v;
      in >> k >> v;
      return k == key && (v == value || value == "any") && line.ends_with("  " + origin);
    });
  };
  CHECK(has_line("gamma", "0.9", "file run.toml:1"));
  CHECK(has_line("double", "false", "flag"));
  CHECK(has_line("seed", "9", "flag"));
  CHECK(has_line("total-timesteps", "any", "preset CartPole"));
  CHECK(has_line("tau", "1", "default"));
  CHECK(result.out.find("4,610 parameters") != std::string::npos);
  CHECK(names(top.path()) == std::set<std::string>{"run.toml"});

  const CommandResult json = run_bellman({"train", "--dry-run", "--json", "--gamma", "0.5"});
  CHECK(parse_json(json.out).at("gamma") == nlohmann::json({{"value", 0.5}, {"origin", "flag"}}));
}

TEST_CASE("a directory that holds something is refused, and replaced only when asked") {
  const TemporaryDirectory top;
  const Words words = kShort + Words{"--quiet", "--run-dir", (top / "run").string()};
  REQUIRE(run_bellman(words).exit_code == 0);
  const std::string model = content_of(top / "run/model.safetensors");
  const CommandResult refused = run_bellman(words + Words{"--seed", "2"});
  CHECK(refused.exit_code == 2);
  CHECK(refused.err.find("it exists and is not empty") != std::string::npos);
  CHECK(content_of(top / "run/model.safetensors") == model);
  CHECK(run_bellman(words + Words{"--seed", "2", "--overwrite"}).exit_code == 0);
  CHECK(content_of(top / "run/model.safetensors") != model);
  CHECK(names(top / "run") == kFiles);
}

TEST_CASE("SIGINT ends the run early, with its files written and exit code 130") {
  const TemporaryDirectory top;
  bool sent = false;
  const CommandResult result = run_bellman(
      {"train", "--total-timesteps", "1000000000", "--train-frequency", "1000", "--no-stop-when-solved",
       "--final-eval-episodes", "2", "--run-dir", (top / "run").string()},
      {.on_output = [&](int pid, const std::string&) {
        // The first line comes when all is set up and the run is about to begin.
        if (!sent) ::kill(pid, SIGINT);
        sent = true;
      }});
  CHECK(sent);
  CHECK(result.signal == 0);
  CHECK(result.exit_code == 130);
  CHECK(result.out.find("Interrupted") != std::string::npos);
  CHECK(names(top / "run") == kFiles);
  CHECK(read_safetensors(top / "run/model.safetensors").find("0.weight") != nullptr);
}

}  // namespace
}  // namespace bellman::test
