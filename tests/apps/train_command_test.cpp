// `bellman train` as a user runs it.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/io/safetensors.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// A run of a second or less.
const Words kShort = {"train",
                      "--total-timesteps",
                      "600",
                      "--learning-starts",
                      "100",
                      "--network",
                      "dense 8, relu",
                      "--eval-frequency",
                      "300",
                      "--eval-episodes",
                      "2",
                      "--final-eval-episodes",
                      "3",
                      "--log-frequency",
                      "100",
                      "--solve-confirm-episodes",
                      "2"};

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in, path.string() << " is missing");
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

/// The names in a directory; of the event file's only the part that does not change.
std::set<std::string> names(const fs::path& directory) {
  std::set<std::string> result;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    result.insert(name.starts_with("events.out.tfevents.") ? "events.out.tfevents"
                  : name.starts_with("checkpoint-")        ? "checkpoint"
                                                           : name);
  }
  return result;
}

const std::set<std::string> kFiles = {"checkpoint",        "config.toml", "events.out.tfevents", "lock",
                                      "model.safetensors", "monitor.csv", "progress.csv"};

TEST_CASE("a short run writes its files and says how it went") {
  const TemporaryDirectory top;
  const CommandResult result = run_bellman(kShort + Words{"--run-dir", (top / "run").string()});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  CHECK(result.err.empty());
  CHECK(names(top / "run") == kFiles);
  CHECK(result.out.find("100 %") != std::string::npos);
  CHECK(result.out.find("Not solved") != std::string::npos);
  CHECK(result.out.find("over 3 fresh episodes") != std::string::npos);
  CHECK(result.out.find("bellman eval --checkpoint " + (top / "run/model.safetensors").string()) !=
        std::string::npos);

  const std::vector<std::string> monitor = lines(content(top / "run/monitor.csv"));
  REQUIRE(monitor.size() > 3);
  const nlohmann::json head = nlohmann::json::parse(monitor[0].substr(1));
  CHECK(head.at("env_id") == "CartPole-v1");
  CHECK(head.at("t_start").get<double>() > 1.6e9);
  CHECK(monitor[1] == "r,l,t");

  const std::vector<std::string> progress = lines(content(top / "run/progress.csv"));
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
  CHECK(lines(result.out).size() == 1);
  CHECK(result.err.find("Evaluation: ") != std::string::npos);
  const nlohmann::json json = nlohmann::json::parse(result.out);
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
  const nlohmann::json json = nlohmann::json::parse(result.out);
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
    return content(top / (name + "/model.safetensors"));
  };
  const std::string first = run("first", kShort + Words{"--seed", "3"});
  CHECK(run("again", kShort + Words{"--seed", "3"}) == first);
  CHECK(run("other", kShort + Words{"--seed", "4"}) != first);
  CHECK(run("config", {"train", "--config", (top / "first/config.toml").string()}) == first);
  CHECK(content(top / "config/config.toml") == content(top / "first/config.toml"));
}

TEST_CASE("--dry-run shows values and origins, trains and writes nothing") {
  const TemporaryDirectory top;
  std::ofstream(top / "run.toml") << "gamma = 0.9\n";
  const CommandResult result =
      run_bellman({"train", "--dry-run", "--config", "run.toml", "--no-double", "--seed", "1", "--seed", "9"},
                  {.working_directory = top.path()});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  const auto has_line = [&](const std::string& key, const std::string& value, const std::string& origin) {
    const std::vector<std::string> all = lines(result.out);
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
  CHECK(nlohmann::json::parse(json.out).at("gamma") ==
        nlohmann::json({{"value", "0.5"}, {"origin", "flag"}}));
}

TEST_CASE("a directory that holds something is refused, and replaced only when asked") {
  const TemporaryDirectory top;
  const Words words = kShort + Words{"--quiet", "--run-dir", (top / "run").string()};
  REQUIRE(run_bellman(words).exit_code == 0);
  const std::string model = content(top / "run/model.safetensors");
  const CommandResult refused = run_bellman(words + Words{"--seed", "2"});
  CHECK(refused.exit_code == 2);
  CHECK(refused.err.find("it exists and is not empty") != std::string::npos);
  CHECK(content(top / "run/model.safetensors") == model);
  CHECK(run_bellman(words + Words{"--seed", "2", "--overwrite"}).exit_code == 0);
  CHECK(content(top / "run/model.safetensors") != model);
  CHECK(names(top / "run") == kFiles);
}

TEST_CASE("bad input: one line on stderr that names it, exit code 2, nothing left behind") {
  struct Bad {
    Words words;
    std::string expected;
  };
  const std::vector<Bad> all_bad = {
      {{"--lerning-rate", "1"}, "unknown option \"--lerning-rate\" (did you mean \"--learning-rate\"?)"},
      {{"--learning_rate", "1"}, "did you mean \"--learning-rate\"?"},
      {{"--seeed=3"}, "unknown option \"--seeed\" (did you mean \"--seed\"?)"},
      {{"--xyzzy"}, "`bellman train --help` lists the options"},
      {{"stray"}, "unexpected argument \"stray\""},
      {{"--env-id", "CartPole-v9"}, "unknown environment \"CartPole-v9\""},
      {{"--env-id", "CartPole-v9"}, "CartPole-v1"},
      {{"--env-id", ""}, "unknown environment"},
      {{"--network", "dense 64, relux"}, "relu"},
      {{"--network", "conv 8 3x3"}, "conv"},
      {{"--network", "dense 0"}, "dense"},
      {{"--network", "dense 99999999999999999999"}, "dense"},
      {{"--gamma", "1.5"}, "--gamma: 1.5 is out of range"},
      {{"--gamma", "nan"}, "--gamma: \"nan\" is not a finite number"},
      {{"--learning-rate", "1e999"}, "--learning-rate: \"1e999\""},
      {{"--batch-size", "-1"}, "--batch-size: -1 is out of range"},
      {{"--batch-size", "many"}, "--batch-size: \"many\" is not a whole number"},
      {{"--buffer-size", "999999999999"}, "a replay of 999999999999 slots"},
      {{"--total-timesteps", "0"}, "--total-timesteps: 0 is out of range"},
      {{"--seed", "--quiet"}, "--seed: \"--quiet\""},
      {{"--seed"}, "--seed"},
      {{"--device", "gpu"}, "--device: unknown device \"gpu\""},
      {{"--device", "cudda"}, "did you mean \"cuda\"?"},
      {{"--preset", "nope"}, "unknown preset \"nope\""},
      {{"--no-replay", "--prioritized"}, "prioritized"},
      {{"--exploration-schedule", "exponential", "--start-e", "0.1", "--end-e", "0.5"}, "end_e is 0.5"},
      {{"--slip", "0.5"}, "slip"},
      {{"--eval-frequency", "0"}, "(eval_frequency: flag, stop_when_solved: preset CartPole)"},
      {{"--env-id", "GridWorld-v0", "--map", "nowhere.txt"}, "nowhere.txt"},
      {{"--env-id", "GridWorld-v0", "--observation", "pixels"}, "pixels"},
      {{"--config", "missing.toml"}, "missing.toml"},
      {{"--config", "."}, "."},
      {{"--config", "bad.toml"}, "bad.toml:2: unknown key \"gama\" (did you mean \"gamma\"?)"},
      {{"--run-dir", "bad.toml"}, "it exists and is no directory"},
      {{"--run-dir", "bad.toml/x"}, "bad.toml"},
      {{"--run-dir", ""}, "the name is empty"},
      {{"--network", "dense 8\x1b[31m"}, "--network"},
  };
  const TemporaryDirectory top;
  std::ofstream(top / "bad.toml") << "seed = 1\ngama = 0.9\n";
  for (const Bad& bad : all_bad) {
    std::string typed = "train";
    for (const std::string& word : bad.words) typed += " " + word;
    INFO(typed);
    const CommandResult result = run_bellman(Words{"train"} + bad.words, {.working_directory = top.path()});
    CHECK(result.exit_code == 2);
    CHECK(result.out.empty());
    CHECK_MESSAGE(lines(result.err).size() == 1, result.err);
    CHECK_MESSAGE(result.err.starts_with("bellman train: "), result.err);
    CHECK_MESSAGE(result.err.find(bad.expected) != std::string::npos, result.err);
    CHECK(result.err.find('\x1b') == std::string::npos);
    CHECK(names(top.path()) == std::set<std::string>{"bad.toml"});
  }
}

TEST_CASE("what shows only when the run begins leaves nothing behind either") {
  const TemporaryDirectory top;
  // CartPole's observations are no whole numbers.
  const CommandResult result = run_bellman({"train", "--replay-uint8"}, {.working_directory = top.path()});
  CHECK(result.exit_code == 2);
  CHECK(lines(result.err).size() == 1);
  CHECK(result.err.find("255") != std::string::npos);
  CHECK(fs::is_empty(top.path()));
}

TEST_CASE("bad input before any subcommand") {
  const auto complaint = [](const Words& words) {
    const CommandResult result = run_bellman(words);
    CHECK(result.exit_code == 2);
    CHECK(lines(result.err).size() == 1);
    return result.err;
  };
  CHECK(complaint({}) == "bellman: no command given; `bellman --help` lists them\n");
  CHECK(complaint({"tran"}).find("unknown command \"tran\" (did you mean \"train\"?)") != std::string::npos);
  CHECK(complaint({"--verson"}).find("did you mean \"--version\"?") != std::string::npos);
}

TEST_CASE("help and version go to stdout") {
  const CommandResult help = run_bellman({"--help"});
  CHECK(help.exit_code == 0);
  CHECK(help.out.find("train") != std::string::npos);
  CHECK(help.err.empty());
  CHECK(run_bellman({"--version"}).out.starts_with("bellman "));
  const CommandResult train = run_bellman({"train", "--help"});
  CHECK(train.exit_code == 0);
  CHECK(train.out.find("--target-network-frequency INTEGER >= 1") != std::string::npos);
  CHECK(train.out.find("--[no-]dueling ") != std::string::npos);
  CHECK(train.out.find("--gamma REAL [0, 1] ") != std::string::npos);
}

TEST_CASE("a full disk at the start leaves nothing behind") {
  const TemporaryDirectory top;
  const CommandResult result =
      run_bellman(kShort + Words{"--run-dir", (top / "new/run").string()}, {.largest_file = 100});
  CHECK(result.exit_code == 2);
  CHECK(lines(result.err).size() == 1);
  CHECK(result.err.find("config.toml") != std::string::npos);
  CHECK(result.err.find("File too large") != std::string::npos);
  CHECK(fs::is_empty(top.path()));
}

TEST_CASE("a disk that fills up during the run leaves whole records and no half-written model") {
  const TemporaryDirectory top;
  const CommandResult result = run_bellman(
      kShort + Words{"--quiet", "--total-timesteps", "1000000", "--run-dir", (top / "run").string()},
      {.largest_file = 4000});
  CHECK(result.exit_code == 2);
  CHECK(lines(result.err).size() == 1);
  CHECK(result.err.find("File too large") != std::string::npos);
  CHECK(!fs::exists(top / "run/model.safetensors"));
  for (const char* name : {"run/monitor.csv", "run/progress.csv"}) {
    const std::string log = content(top / name);
    CHECK(log.size() <= 4000);
    CHECK(log.back() == '\n');
  }
}

TEST_CASE("a stdout that cannot be written is an error") {
  const CommandResult result = run_bellman({"train", "--dry-run"}, {.stdout_file = "/dev/full"});
  CHECK(result.exit_code == 2);
  CHECK(result.err.find("standard output") != std::string::npos);
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

TEST_CASE("a second SIGINT ends the process at once") {
  const TemporaryDirectory top;
  int sent = 0;
  // An untrained policy walks in circles for as long as it may: the final evaluation would take very long.
  const CommandResult result =
      run_bellman({"train", "--env-id", "CliffWalking-v1", "--total-timesteps", "1000000000",
                   "--learning-starts", "1000000000", "--eval-frequency", "0", "--final-eval-episodes",
                   "3000", "--run-dir", (top / "run").string()},
                  {.on_output = [&](int pid, const std::string&) {
                    for (; sent < 2; ++sent) {
                      ::kill(pid, SIGINT);
                      std::this_thread::sleep_for(std::chrono::milliseconds(300));
                    }
                  }});
  CHECK(sent == 2);
  CHECK(result.signal == SIGINT);
  CHECK(!fs::exists(top / "run/model.safetensors"));
}

}  // namespace
}  // namespace bellman::test
