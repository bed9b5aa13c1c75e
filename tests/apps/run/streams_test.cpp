// Closed standard streams and readers that go away affect neither a run nor its files.
#include <csignal>
#include <filesystem>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/run/checkpoint.h"
#include "core/io/files.h"
#include "tests/apps/run_outcome.h"
#include "tests/apps/sweep_words.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

/// All combinations of the three standard streams.
std::vector<std::vector<int>> combinations() {
  std::vector<std::vector<int>> all(8);
  for (std::size_t bits = 0; bits < 8; ++bits)
    for (int stream = 0; stream < 3; ++stream)
      if (bits >> stream & 1) all[bits].push_back(stream);
  return all;
}

bool holds(const std::vector<int>& streams, int stream) {
  return std::find(streams.begin(), streams.end(), stream) != streams.end();
}

/// A run that prints all it has to say.
Words talkative_run(const fs::path& directory) {
  Words words = short_run() + Words{"--run-dir", directory.string()};
  std::erase(words, "--quiet");
  return words;
}

Words talkative_sweep(const fs::path& directory) {
  return Words{"sweep", "--seeds", "3-4", "--grid", "n_step=1,2", "--sweep-dir", directory.string()} +
         short_training();
}

/// Without the memory that is free, which changes.
std::string steady(const std::string& text) {
  return std::regex_replace(text, std::regex("[0-9,]+ MiB free"), "");
}

/// Every file below, byte for byte.
std::map<fs::path, std::string> files_below(const fs::path& top) {
  std::map<fs::path, std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(top))
    if (entry.is_regular_file()) files[entry.path()] = text_of(entry.path());
  return files;
}

TEST_CASE("closed standard streams: a run leaves the files of an ordinary one") {
  const TemporaryDirectory top;
  const RunOutcome reference = uninterrupted(short_run(), top / "reference");
  for (const std::vector<int>& closed : combinations())
    for (const bool json : {false, true}) {
      CAPTURE(closed.size());
      const fs::path run = top / "run";
      Words words = talkative_run(run);
      if (json) words.push_back("--json");
      const CommandResult result = run_bellman(words, {.closed_streams = closed});
      CAPTURE(result.err);
      const bool loses_result = json && holds(closed, 1);
      CHECK(result.exit_code == (loses_result ? 2 : 0));
      CHECK(result.out.empty() == holds(closed, 1));
      CHECK(result.err.empty() == (holds(closed, 2) || !json));
      if (loses_result && !holds(closed, 2))
        CHECK(result.err.ends_with("bellman train: standard output is closed: the result is lost\n"));
      check_same(outcome_of(run), reference);
      fs::remove_all(run);
    }
}

TEST_CASE("closed standard streams: a sweep leaves the files of an ordinary one") {
  const TemporaryDirectory top;
  REQUIRE(run_bellman(talkative_sweep(top / "reference")).exit_code == 0);
  for (const std::vector<int>& closed : combinations()) {
    CAPTURE(closed.size());
    const CommandResult result = run_bellman(talkative_sweep(top / "sweep"), {.closed_streams = closed});
    CAPTURE(result.err);
    CHECK(result.exit_code == 0);
    CHECK(without_times(text_of(top / "sweep/sweep.json")) ==
          without_times(text_of(top / "reference/sweep.json")));
    CHECK(text_of(top / "sweep/sweep_curves.csv") == text_of(top / "reference/sweep_curves.csv"));
    for (const char* const name : {"sweep.csv", "sweep.html"}) {
      const std::string head = text_of(top / "sweep" / name).substr(0, 15);
      CHECK(head == text_of(top / "reference" / name).substr(0, 15));
    }
    fs::remove_all(top / "sweep");
  }
  const CommandResult lost =
      run_bellman(talkative_sweep(top / "sweep") + Words{"--json", "--quiet"}, {.closed_streams = {1}});
  CHECK(lost.exit_code == 2);
  CHECK(lost.err == "bellman sweep: standard output is closed: the result is lost\n");
}

TEST_CASE(
    "closed standard streams: every other command fails without stdout, and else prints what it always "
    "does") {
  const TemporaryDirectory top;
  uninterrupted(short_run(), top / "run");
  const std::string model = (top / "run/model.safetensors").string(), run = (top / "run").string();
  const std::vector<Words> commands = {
      {"eval", "--checkpoint", model, "--episodes", "2"},
      {"infer", "--checkpoint", model, "--obs", "[[0,0,0.1,0]]"},
      {"rollout", "--env-id", "CartPole-v1", "--seed", "1", "--actions", "0,1,1"},
      {"gradcheck", "--network", "dense 3, tanh, dense 2", "--input-shape", "4"},
      {"inspect", model},
      {"inspect", checkpoints_of(top / "run").front().string()},
      {"verify", run},
      {"envs"},
      {"train", "--dry-run"},
      {"train", "--resume", run, "--dry-run"},
      {"sweep", "--dry-run"},
      {"inspect", (top / "nothing").string()},
      {"no-command"},
      {"--help"}};
  for (const Words& words : commands) {
    CAPTURE(words[0]);
    const CommandResult usual = run_bellman(words);
    const std::map<fs::path, std::string> files = files_below(top.path());
    for (const std::vector<int>& closed : combinations()) {
      CAPTURE(closed.size());
      const CommandResult result = run_bellman(words, {.closed_streams = closed});
      const bool loses_result = holds(closed, 1) && !usual.out.empty();
      const std::string prefix = words[0].starts_with("-") ? "bellman: " : "bellman " + words[0] + ": ";
      const std::string line = loses_result ? prefix + "standard output is closed: the result is lost\n" : "";
      CHECK(result.exit_code == (loses_result ? 2 : usual.exit_code));
      CHECK(steady(result.out) == (holds(closed, 1) ? "" : steady(usual.out)));
      CHECK(result.err == (holds(closed, 2) ? "" : usual.err + line));
      for (const auto& [path, bytes] : files_below(top.path()))
        if (path.filename() != "lock") CHECK((files.at(path) == bytes));
    }
  }
}

TEST_CASE("a reader that goes away does not end a run, and its files are those of an ordinary one") {
  const TemporaryDirectory top;
  const RunOutcome reference = uninterrupted(short_run(), top / "reference");
  for (const bool json : {false, true}) {  // with it the progress goes to stderr
    CAPTURE(json);
    Words words = talkative_run(top / "run");
    if (json) words.push_back("--json");
    const CommandResult result = run_bellman(words, {.leaves_after_a_line = true});
    CHECK(result.exit_code == 0);
    CHECK((json ? result.err : result.out).starts_with("Training on CartPole-v1"));
    check_same(outcome_of(top / "run"), reference);
    fs::remove_all(top / "run");
  }
}

TEST_CASE("a reader that goes away does not end a sweep") {
  const TemporaryDirectory top;
  REQUIRE(run_bellman(talkative_sweep(top / "reference")).exit_code == 0);
  const CommandResult result = run_bellman(talkative_sweep(top / "sweep"), {.leaves_after_a_line = true});
  CHECK(result.exit_code == 0);
  CHECK(result.err == "");
  CHECK(without_times(text_of(top / "sweep/sweep.json")) ==
        without_times(text_of(top / "reference/sweep.json")));
}

TEST_CASE("a reader that goes away quietly ends a command whose output is all it makes") {
  std::string actions = "0";
  for (int i = 1; i < 20'000; ++i) actions += i % 2 ? ",2" : ",0";  // up, down, and so on
  const Words words = {"rollout", "--env-id", "CliffWalking-v1", "--seed", "1", "--actions", actions};
  const CommandResult killed = run_bellman(words, {.leaves_after_a_line = true});
  CHECK(killed.signal == SIGPIPE);
  CHECK(killed.err == "");
  // When the parent process ignores the signal.
  const CommandResult ended = run_bellman(words, {.ignored_signals = {SIGPIPE}, .leaves_after_a_line = true});
  CHECK(ended.exit_code == 0);
  CHECK(ended.err == "");
}

TEST_CASE("a full disk behind stdout is reported, and ends no run") {
  const TemporaryDirectory top;
  const RunOutcome reference = uninterrupted(short_run(), top / "reference");
  const CommandResult result = run_bellman(talkative_run(top / "run"), {.stdout_file = "/dev/full"});
  CHECK(result.exit_code == 2);
  CHECK(result.err == "bellman train: standard output cannot be written (is the disk full?)\n");
  check_same(outcome_of(top / "run"), reference);
}

}  // namespace
}  // namespace bellman::test
