// What `bellman train` says, and leaves, when it cannot do as it is told; and its help.
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/apps/text_file.h"
#include "tests/apps/train_run.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

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
      {{"--device", "gpu"}, "--device: unknown device \"gpu\" (known: cpu, cuda, auto, simt, reference)"},
      {{"--gamma"}, "--gamma wants a value: REAL [0, 1]"},
      {{"--gamma", std::string(400, '9')}, "999...\" is beyond what a double can hold"},
      {{"--env-id", std::string(1'000, 'x')}, "xxx...\" (known: CartPole-v1"},
      {{"--config", "control.toml"}, "control.toml:1: unknown key \"?[2Ja?"},
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
  std::ofstream(top / "control.toml") << "\"\\u001b[2Ja\\u009b2J\" = 1\n";
  for (const Bad& bad : all_bad) {
    std::string typed = "train";
    for (const std::string& word : bad.words) typed += " " + word;
    INFO(typed);
    const CommandResult result = run_bellman(Words{"train"} + bad.words, {.working_directory = top.path()});
    CHECK(result.exit_code == 2);
    CHECK(result.out.empty());
    CHECK_MESSAGE(lines_of(result.err).size() == 1, result.err);
    CHECK_MESSAGE(result.err.starts_with("bellman train: "), result.err);
    CHECK_MESSAGE(result.err.find(bad.expected) != std::string::npos, result.err);
    CHECK(result.err.find('\x1b') == std::string::npos);
    CHECK(result.err.size() < 500);
    CHECK(names(top.path()) == std::set<std::string>{"bad.toml", "control.toml"});
  }
}

TEST_CASE("what shows only when the run begins leaves nothing behind either") {
  const TemporaryDirectory top;
  // CartPole's observations are no whole numbers.
  const CommandResult result = run_bellman({"train", "--replay-uint8"}, {.working_directory = top.path()});
  CHECK(result.exit_code == 2);
  CHECK(lines_of(result.err).size() == 1);
  CHECK(result.err.find("255") != std::string::npos);
  CHECK(fs::is_empty(top.path()));
}

TEST_CASE("bad input before any subcommand") {
  const auto complaint = [](const Words& words) {
    const CommandResult result = run_bellman(words);
    CHECK(result.exit_code == 2);
    CHECK(lines_of(result.err).size() == 1);
    return result.err;
  };
  CHECK(complaint({}) == "bellman: no command given; `bellman --help` lists them\n");
  CHECK(complaint({"tran"}).find("unknown command \"tran\" (did you mean \"train\"?)") != std::string::npos);
  CHECK(complaint({"--verson"}).find("did you mean \"--version\"?") != std::string::npos);
}

TEST_CASE("a switch is one in every command's help") {
  for (const std::string command : {"train", "sweep", "eval", "rollout", "envs"}) {
    CAPTURE(command);
    const std::string help = run_bellman({command, "--help"}).out;
    CHECK(help.find("  --[no-]slippery   ") != std::string::npos);
    CHECK(help.find("{false}") == std::string::npos);
  }
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
  CHECK(lines_of(result.err).size() == 1);
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
  CHECK(lines_of(result.err).size() == 1);
  CHECK(result.err.find("File too large") != std::string::npos);
  CHECK(!fs::exists(top / "run/model.safetensors"));
  for (const char* name : {"run/monitor.csv", "run/progress.csv"}) {
    const std::string log = content_of(top / name);
    CHECK(log.size() <= 4000);
    CHECK(log.back() == '\n');
  }
}

TEST_CASE("a stdout that cannot be written is an error") {
  const CommandResult result = run_bellman({"train", "--dry-run"}, {.stdout_file = "/dev/full"});
  CHECK(result.exit_code == 2);
  CHECK(result.err.find("standard output") != std::string::npos);
}

}  // namespace
}  // namespace bellman::test
