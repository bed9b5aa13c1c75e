// `bellman fork`: a run that is another one up to a step, to the last bit, and not from there on.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "apps/run/checkpoint.h"
#include "apps/run/resume.h"
#include "tests/apps/refusal.h"
#include "tests/apps/run_outcome.h"
#include "tests/apps/text_file.h"
#include "tests/support/error_message.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

/// short_run() makes 2,400 steps, a row every 200 and an evaluation every 500.
void leave_fork(const fs::path& parent, int step, const fs::path& directory, const Words& overrides = {}) {
  Words words = {"fork",      parent.string(),   "--at", std::to_string(step), "--quiet",
                 "--run-dir", directory.string()};
  for (const std::string& override : overrides) words = words + Words{"--override", override};
  const CommandResult result = run_bellman(words);
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
}

void check_fork_verifies(const fs::path& run) {
#if defined(BELLMAN_MEMCHECKED)
  MESSAGE("SKIPPED: memcheck has fewer instruction sets than the command, which runs without it");
#else
  const CommandResult result = run_bellman({"verify", run.string()});
  CHECK_MESSAGE(result.exit_code == 0, result.out << result.err);
  CHECK(contains(result.out, "Identical"));
  CHECK(contains(result.out, "A fork of "));
#endif
}

Checkpoint newest_of(const fs::path& run) { return load_checkpoint(checkpoints_of(run).front()); }

/// The environment step of a row of progress.csv without times (RunOutcome): its fourth cell.
int step_of(const std::string& row) {
  std::size_t at = 0;
  for (int cell = 0; cell < 3; ++cell) at = row.find(',', at) + 1;
  return std::atoi(row.c_str() + at);
}

TEST_CASE("without an override a fork is its parent, to the last bit") {
  struct Kind {
    const char* name;
    Words more;
    std::vector<int> steps;
  };
  const std::vector<Kind> kinds = {
      {"plain", {}, {1, 300, 301, 1000, 1777, 2400}},  // of the 300 there is a checkpoint, before it none
      {"prioritised", {"--prioritized", "--n-step", "3", "--normalize-observation"}, {150, 1234}},
      {"many", {"--num-envs", "4", "--keep", "1"}, {500, 2000}},  // from the beginning
      {"solved", {"--solved-return", "9", "--stop-when-solved"}, {450, 500}}};
  for (const Kind& kind : kinds) {
    CAPTURE(kind.name);
    const TemporaryDirectory top;
    const fs::path parent = top / "parent";
    const RunOutcome reference = uninterrupted(short_run() + Words{"--keep", "9"} + kind.more, parent);
    for (const int step : kind.steps) {
      CAPTURE(step);
      const fs::path directory = top / ("fork" + std::to_string(step));
      leave_fork(parent, step, directory);
      check_same(outcome_of(directory), reference);
      const std::vector<PastSettings> history = newest_of(directory).history;
      const PastSettings* const fork = fork_in(history);
      REQUIRE(fork);
      CHECK(fork->forked == parent.string());
      CHECK(fork->until == step);
      CHECK(temporary_files(directory).empty());
    }
    check_fork_verifies(top / ("fork" + std::to_string(kind.steps.front())));
    check_same(outcome_of(parent), reference);  // it was only read
  }
}

TEST_CASE("with an override a fork is its parent up to the step and differs from there on") {
  const TemporaryDirectory top;
  const fs::path parent = top / "parent";
  const RunOutcome reference = uninterrupted(short_run() + Words{"--keep", "9"}, parent);
  for (const std::string change : {"learning_rate=0.01", "gamma=0.9", "target_network_frequency=1"}) {
    CAPTURE(change);
    const fs::path directory = top / change;
    leave_fork(parent, 1100, directory, {change, "keep=20"});

    // At the step all is as in the parent: trained to there it leaves the same state.
    leave_fork(parent, 1100, top / (change + " at"), {"total_timesteps=1100"});
    CHECK(first_difference(load_checkpoint(checkpoint_path(directory, 1100)).state,
                           newest_of(top / (change + " at")).state) == "");

    const RunOutcome fork = outcome_of(directory);
    REQUIRE(fork.progress.size() == reference.progress.size());
    std::vector<int> differ;
    for (std::size_t row = 1; row < fork.progress.size(); ++row)
      if (fork.progress[row] != reference.progress[row]) differ.push_back(step_of(fork.progress[row]));
    REQUIRE_FALSE(differ.empty());
    CHECK(differ.front() == 1200);  // the first row after it
    CHECK(differ.size() == 8);      // and every later one: 1,400, 1,500, 1,600, 1,800, 2,000, 2,200, 2,400
    int steps = 0;                  // at the end of the episode
    for (std::size_t i = 1; i < reference.monitor.size(); ++i) {
      steps += std::atoi(reference.monitor[i].c_str() + reference.monitor[i].find(',') + 1);
      if (steps > 1100) break;
      CHECK(fork.monitor.at(i) == reference.monitor[i]);
    }
    CHECK(fork.monitor != reference.monitor);
    CHECK(newest_of(directory).config.find(change.substr(0, change.find('='))) != std::string::npos);
    check_fork_verifies(directory);
  }
}

TEST_CASE("a fork ends well whatever became of its parent's log") {
  const TemporaryDirectory top;
  const fs::path parent = top / "parent", directory = top / "fork";
  uninterrupted(short_run(), parent);
  written(parent / "progress.csv", content_of(parent / "progress.csv") + "odd,nan\n");
  const CommandResult result =
      run_bellman({"fork", parent.string(), "--at", "1100", "--run-dir", directory.string()});
  CHECK_MESSAGE(result.exit_code == 0, result.err);
  CHECK(contains(result.err, "there is no comparison with the parent: "));
  CHECK(fs::exists(directory / "model.safetensors"));
}

TEST_CASE("a fork's parent keeps the settings that it had at each step, also those that --override changed") {
  const TemporaryDirectory top;
  const fs::path parent = top / "parent";
  uninterrupted(short_run(), parent);
  REQUIRE(run_bellman({"train", "--quiet", "--resume", parent.string(), "--override", "gamma=0.9",
                       "--override", "total_timesteps=3000"})
              .exit_code == 0);
  const RunOutcome reference = outcome_of(parent);
  for (const int step : {2400, 2500}) {
    leave_fork(parent, step, top / std::to_string(step));
    check_same(outcome_of(top / std::to_string(step)), reference);
  }
  // Before that change the run had other settings, and the fork keeps them.
  leave_fork(parent, 1000, top / "before");
  CHECK(newest_of(top / "before").timestep == 2400);
  CHECK(newest_of(top / "before").config.find("gamma = 0.99") != std::string::npos);
  check_fork_verifies(top / "2400");
  check_fork_verifies(top / "before");
}

TEST_CASE("a fork of a fork knows both, and is verified from the beginning") {
  const TemporaryDirectory top;
  uninterrupted(short_run(), top / "a");
  leave_fork(top / "a", 600, top / "b", {"gamma=0.9"});
  leave_fork(top / "b", 1400, top / "c", {"double=true"});
  const std::vector<PastSettings> history = newest_of(top / "c").history;
  REQUIRE(history.size() == 2);
  CHECK(history[0].forked == (top / "a").string());
  CHECK(history[0].until == 600);
  CHECK(history[1].forked == (top / "b").string());
  CHECK(history[1].until == 1400);
  check_fork_verifies(top / "c");
  const CommandResult inspected = run_bellman({"inspect", checkpoints_of(top / "c").front().string()});
  CHECK(contains(inspected.out, "A fork of " + (top / "b").string() + " from step 1,400 on\n"));
}

TEST_CASE("a fork that is killed goes on with its own settings") {
  const TemporaryDirectory top;
  uninterrupted(short_run(), top / "parent");
  const fs::path directory = top / "fork";
  leave_fork(top / "parent", 1100, directory, {"gamma=0.9", "keep=20"});
  const RunOutcome whole = outcome_of(directory);
  for (const fs::path& path : checkpoints_of(directory))
    if (path != checkpoint_path(directory, 1100)) fs::remove(path);
  check_resumes_to(whole, directory);
}

TEST_CASE("--no-report leaves neither diagnostics.csv nor report.html, and changes nothing else of a fork") {
  const TemporaryDirectory top;
  const fs::path parent = top / "parent", fork = top / "fork";
  const RunOutcome recorded = uninterrupted(short_run() + Words{"--keep", "9"}, parent);
  REQUIRE_FALSE(recorded.diagnostics.empty());
  const CommandResult result = run_bellman(
      {"fork", parent.string(), "--at", "1100", "--quiet", "--no-report", "--run-dir", fork.string()});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  CHECK_FALSE(fs::exists(fork / "diagnostics.csv"));
  CHECK_FALSE(fs::exists(fork / "report.html"));
  CHECK_FALSE(newest_of(fork).logs.contains("diagnostics.csv"));
  RunOutcome outcome = outcome_of(fork);
  outcome.diagnostics = recorded.diagnostics;
  check_same(outcome, recorded);
  leave_fork(parent, 1100, top / "reported");
  CHECK(fs::exists(top / "reported" / "report.html"));
  CHECK(fs::exists(top / "reported" / "diagnostics.csv"));
}

TEST_CASE("fork prints where the two differ, and how they ended") {
  const TemporaryDirectory top;
  uninterrupted(short_run(), top / "parent");
  const std::string parent = (top / "parent").string(), fork = (top / "fork").string();
  const CommandResult result =
      run_bellman({"fork", parent, "--at", "1100", "--override", "gamma=0.9", "--run-dir", fork});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  CHECK(contains(result.err, "Training " + parent + " again from "));
  CHECK(contains(result.out, "The first row of progress.csv that differs is that of step 1,200.\n"));
  for (const char* const name : {"eval/mean_reward", "rollout/ep_rew_mean", "train/loss", "train/mean_q"})
    CHECK(contains(result.out, name));
  const CommandResult same = run_bellman({"fork", parent, "--at", "1100", "--run-dir", fork, "--overwrite"});
  REQUIRE_MESSAGE(same.exit_code == 0, same.err);
  CHECK(contains(same.out, "No row of progress.csv differs where both have one.\n"));
}

TEST_CASE("fork refuses what it cannot do, overrides in the words of --resume") {
  const TemporaryDirectory top;
  const std::string parent = (top / "parent").string(), fork = (top / "fork").string();
  uninterrupted(short_run() + Words{"--num-envs", "4"}, parent);
  const auto refused_fork = [&](const std::string& step, const Words& more, const Words& words) {
    check_refused(Words{"fork", parent, "--at", step, "--run-dir", fork} + more, words);
    CHECK_FALSE(fs::exists(fork));
  };
  const Words resume = {"train", "--quiet", "--resume", parent};
  for (const Words& change : {Words{"--override", "network=dense 7"}, Words{"--override", "gamma"},
                              Words{"--override", "gama=0.5"}, Words{"--override", "gamma=high"}}) {
    const std::string text = run_bellman(resume + change).err;
    refused_fork("400", change, {text.substr(std::string("bellman train: ").size())});
  }
  refused_fork("400", {"--override", "total_timesteps=399"}, {"total_timesteps", "399", "400"});
  refused_fork("0", {}, {"--at"});
  refused_fork("2404", {}, {"--at 2404", "newest checkpoint", "step 2400", "--resume"});
  check_refused({"fork", parent, "--at", "400", "--overwrite", "--run-dir", parent},
                {parent, "the run that is forked"});
  for (const std::string& inside : {parent + "/fork", parent + "/a/b", parent + "/../parent/fork"}) {
    check_refused({"fork", parent, "--at", "400", "--run-dir", inside},
                  {inside, "within the run that is forked"});
    CHECK_FALSE(fs::exists(inside));
  }
  check_refused({"fork", (top / "none").string(), "--at", "400", "--run-dir", fork}, {"none"});
  const CommandResult within = run_bellman({"fork", parent, "--at", "402", "--run-dir", fork});
  CHECK(within.exit_code == 2);
  CHECK(contains(within.err, "4 environments make their steps together"));
  CHECK(contains(within.err, "the steps 400 and 404"));
  CHECK_FALSE(fs::exists(fork));

  fs::create_directory(fork);
  check_refused({"fork", parent, "--at", "400", "--run-dir", fork + "/.."}, {"not empty", "--overwrite"});
  fs::remove(fork);
  fs::remove(top / "parent" / "monitor.csv");
  refused_fork("2400", {}, {(top / "parent" / "monitor.csv").string(), "missing"});
}

TEST_CASE("a fork that is ended while its parent is trained again leaves nothing") {
  const TemporaryDirectory top;
  // Once more takes many seconds: no checkpoint but the last, of a run that then learns slowly.
  uninterrupted(short_run() + Words{"--checkpoint-frequency", "0", "--total-timesteps", "100000",
                                    "--learning-starts", "200000", "--eval-frequency", "1000000"},
                top / "parent");
  const fs::path fork = top / "fork";
  const CommandResult result =
      run_bellman({"fork", (top / "parent").string(), "--at", "99999", "--run-dir", fork.string()},
                  {.on_start = [&](int pid) {
                    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
                    while (!fs::exists(fork / "progress.csv")) {
                      REQUIRE(std::chrono::steady_clock::now() < deadline);
                      std::this_thread::sleep_for(std::chrono::milliseconds(1));
                    }
                    ::kill(pid, SIGINT);
                  }});
  CHECK(result.exit_code == 128 + SIGINT);
  CHECK(contains(result.err, "nothing is left of the fork"));
  CHECK_FALSE(fs::exists(fork));
}

}  // namespace
}  // namespace bellman::test
