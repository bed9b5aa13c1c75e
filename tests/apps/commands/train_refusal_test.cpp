// What `bellman train` prints and leaves when it refuses its arguments; and its help.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/settings/settings.h"
#include "tests/apps/commands/train_run.h"
#include "tests/apps/text_file.h"
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
      {{"--gamma"}, "--gamma needs a value: REAL [0, 1]"},
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
      {{"--run-dir", "--quiet"},
       "--run-dir: \"--quiet\" is an option, not a value (a path of that name is ./--quiet)"},
      {{"--network", "--json"}, "--network: \"--json\" is an option"},
      {{"--config", "--run-dir"}, "--config: \"--run-dir\" is an option"},
      {{"--override", "--json"}, "--override: \"--json\" is an option"},
      {{"--momentum", "0.9"},
       "--momentum applies only with optimizer rmsprop or sgd, and optimizer is adam (default)"},
      {{"--env-id", "CliffWalking-v1", "--slippery"}, "--slippery applies only with env_id FrozenLake"},
      {{"--config", "sgd.toml"},
       "sgd.toml:2: rmsprop_alpha applies only with optimizer rmsprop, and optimizer is sgd"},
      {{"--max-grad-norm", "1e-46"}, "max_grad_norm is 1e-46, of a size that no float holds"},
      {{"--seed", "1.5"}, "--seed: \"1.5\" is not a whole number"},
  };
  const TemporaryDirectory top;
  std::ofstream(top / "bad.toml") << "seed = 1\ngama = 0.9\n";
  std::ofstream(top / "sgd.toml") << "optimizer = \"sgd\"\nrmsprop_alpha = 0.9\n";
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
    CHECK(names(top.path()) == std::set<std::string>{"bad.toml", "control.toml", "sgd.toml"});
  }
}

/// Name and content of every file, the lock apart.
std::map<std::string, std::string> files_of(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory))
    if (entry.path().filename() != "lock") files[entry.path().filename().string()] = content_of(entry.path());
  return files;
}

/// Checks that `words` are refused, by --dry-run in the same line, and that `directory` stays as it is.
void check_refused_untouched(const Words& words, const fs::path& directory, const std::string& expected) {
  std::string typed;
  for (const std::string& word : words) typed += " " + word;
  INFO(typed);
  const std::map<std::string, std::string> before = files_of(directory);
  const CommandResult dry = run_bellman(words + Words{"--dry-run"});
  const CommandResult real = run_bellman(words);
  for (const CommandResult& result : {dry, real}) {
    CHECK(result.exit_code == 2);
    CHECK(result.out.empty());
    CHECK_MESSAGE(result.err.find(expected) != std::string::npos, result.err);
  }
  CHECK(dry.err == real.err);
  CHECK(files_of(directory) == before);
}

struct Impossible {
  Words words;
  std::string expected;
};

/// Settings that no run can have, whatever finds it out.
std::vector<Impossible> impossible() {
  return {
      {{"--adam-epsilon", "1e-39"}, "optimizer_epsilon is 1e-39, of a size that no float holds"},
      {{"--max-grad-norm", "1e-46"}, "max_grad_norm is 1e-46"},
      {{"--prioritized", "--per-epsilon", "1e-40"}, "--per-epsilon: 1e-40 is out of range"},
      {{"--network", "dense 64, relux"}, "relu"},
      {{"--network", "dense 0, relu", "--dueling"}, "dense"},
      {{"--learner", "fused", "--optimizer", "sgd"}, "learner is fused, which cannot train this"},
      {{"--buffer-size", "1"}, "slots"},
      {{"--env-id", "GridWorld-v0", "--map", "nowhere.txt"}, "nowhere.txt"},
      {{"--env-id", "FrozenLake-v1", "--success-rate", "1e-320"}, "success_rate"},
      {{"--device", "gpu"}, "unknown device"},
  };
}

TEST_CASE("what cannot run is refused before an earlier run is touched, and by --dry-run in the same line") {
  const TemporaryDirectory top;
  const std::string run = (top / "run").string(), sweep = (top / "sweep").string();
  REQUIRE(run_bellman(kShort + Words{"--quiet", "--run-dir", run}).exit_code == 0);
  fs::create_directory(sweep);
  std::ofstream(sweep + "/sweep.csv") << "an earlier one\n";
  for (const Impossible& wrong : impossible()) {
    check_refused_untouched(Words{"train", "--overwrite", "--run-dir", run} + wrong.words, run,
                            wrong.expected);
    check_refused_untouched(Words{"sweep", "--seeds", "1", "--overwrite", "--sweep-dir", sweep} + wrong.words,
                            sweep, wrong.expected);
  }
  // One combination of a grid that cannot run is enough.
  check_refused_untouched(
      {"sweep", "--seeds", "1", "--overwrite", "--sweep-dir", sweep, "--env-id", "CliffWalking-v1",
       "--network", "conv 4 3x3, relu, flatten", "--grid", "observation=planes,one_hot"},
      sweep, "observation=one_hot: ");
  check_refused_untouched(kShort + Words{"--run-dir", run}, run, "it exists and is not empty");
  // A run replaces no sweep, and a sweep no run.
  check_refused_untouched({"sweep", "--seeds", "1", "--overwrite", "--sweep-dir", run}, run,
                          "it holds a run (config.toml)");
  for (const std::string file : {"sweep.json", "sweep_plan.safetensors"}) {
    const std::string other = (top / file).string();
    fs::create_directory(other);
    std::ofstream(other + "/" + file) << "an earlier one\n";
    check_refused_untouched(kShort + Words{"--overwrite", "--run-dir", other}, other,
                            "it holds a sweep (" + file);
  }
  check_refused_untouched({"sweep", "--sweep-dir", sweep, "--seeds", "1"}, sweep,
                          "it exists and is not empty");
  check_refused_untouched(kShort + Words{"--run-dir", sweep + "/sweep.csv"}, sweep, "is no directory");
  check_refused_untouched(kShort + Words{"--run-dir", sweep + "/sweep.csv/x"}, sweep, "Not a directory");
}

TEST_CASE("what is known before a run begins is said before it, a note a line") {
  const TemporaryDirectory top;
  std::ofstream(top / "island.txt") << "SFH\nFHF\nHFG\n";
  const auto notes = [&](const Words& words) {
    return run_bellman(Words{"train", "--dry-run"} + words, {.working_directory = top.path()}).err;
  };
  CHECK(notes({}).empty());
  CHECK(notes({"--learning-starts", "100000", "--total-timesteps", "2000"})
            .starts_with("bellman train: note: learning never starts: "));
  CHECK(notes({"--max-episode-steps", "200"}) ==
        "bellman train: note: no run can count as solved: solved_return is 490, and an episode returns at "
        "most 200\n");
  CHECK(notes({"--env-id", "FrozenLake-v1", "--map", "island.txt"}) ==
        "bellman train: note: no way leads from the start to the goal of FrozenLake-v1: an episode returns "
        "at most "
        "0\n");
  const CommandResult sweep =
      run_bellman({"sweep", "--dry-run", "--seeds", "1", "--grid", "max_episode_steps=200,500"});
  CHECK(sweep.err ==
        "bellman sweep: note: max_episode_steps=200: no run can count as solved: solved_return is 490, and "
        "an episode "
        "returns at most 200\n");
  const CommandResult rounds = run_bellman(
      kShort + Words{"--num-envs", "8", "--total-timesteps", "10", "--run-dir", (top / "rounds").string()});
  CHECK(rounds.out.find("for at most 16 steps") != std::string::npos);
  CHECK(rounds.err.starts_with("bellman train: note: learning never starts: "));
}

TEST_CASE("a schedule that jumps where a run is resumed with another length is reported") {
  const TemporaryDirectory top;
  const std::string run = (top / "run").string();
  REQUIRE(run_bellman(kShort + Words{"--quiet", "--no-stop-when-solved", "--run-dir", run}).exit_code == 0);
  const CommandResult longer =
      run_bellman({"train", "--resume", run, "--dry-run", "--override", "total_timesteps=60000"});
  CHECK(longer.exit_code == 0);
  CHECK_MESSAGE(
      longer.err.starts_with("bellman train: note: epsilon goes from 0.1 to 0.85 at step 600: its schedule "
                             "follows total_timesteps, which is 60000 instead of 600\n"),
      longer.err);
}

TEST_CASE("names of other programs and of earlier versions are options, too") {
  const TemporaryDirectory top;
  const CommandResult dry = run_bellman({"train", "--dry-run", "--json", "--lr", "0.25", "--train-freq", "3",
                                         "--adam-epsilon", "1e-3", "--no-double-dqn", "--seed", "1e3"});
  REQUIRE_MESSAGE(dry.exit_code == 0, dry.err);
  for (const char* part : {"\"learning_rate\":{\"value\":0.25,", "\"train_frequency\":{\"value\":3,",
                           "\"optimizer_epsilon\":{\"value\":0.001,", "\"double\":{\"value\":false,",
                           "\"seed\":{\"value\":1000,"})
    CHECK_MESSAGE(dry.out.find(part) != std::string::npos, dry.out);
  CHECK(run_bellman({"train", "--help"}).out.find("--lr") == std::string::npos);
}

TEST_CASE("--help says every default") {
  const std::string help = run_bellman({"train", "--help"}).out;
  std::string one_line;  // it breaks lines
  for (const std::string& line : lines_of(help)) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin != std::string::npos) one_line += line.substr(begin) + " ";
  }
  for (const Setting& setting : settings()) {
    const std::string value = value_text(TrainConfig(), setting);
    if (value.empty()) continue;
    const std::string name = (is_switch(setting) ? "--[no-]" : "--") + std::string(setting.key) + " ";
    const std::size_t at = one_line.find(name);
    REQUIRE_MESSAGE(at != std::string::npos, name);
    const std::size_t next = one_line.find(" --", at + 1);
    CHECK_MESSAGE(one_line.substr(at, next - at).find("(default: " + value + ")") != std::string::npos,
                  one_line.substr(at, next - at));
  }
  CHECK(one_line.find("textbook, nature, nature-atari (default: auto)") != std::string::npos);
  CHECK(run_bellman({"sweep", "--help"}).out.find("(default: 0-9)") != std::string::npos);
  CHECK(run_bellman({"eval", "--help"}).out.find("(default: 100)") != std::string::npos);
}

TEST_CASE("commands that are suggested can be pasted, whatever the directory's name") {
  const TemporaryDirectory top;
  const CommandResult result =
      run_bellman(kShort + Words{"--run-dir", "my run's"}, {.working_directory = top.path()});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  for (const char* part : {"--resume 'my run'\\''s'", "--checkpoint 'my run'\\''s/model.safetensors'",
                           "--config 'my run'\\''s/config.toml'"})
    CHECK_MESSAGE(result.out.find(part) != std::string::npos, result.out);
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
  CHECK(complaint({"--seed", "3", "train"}) ==
        "bellman train: \"--seed\" is an option of `bellman train` and must come after that word\n");
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
