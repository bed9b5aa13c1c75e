// `mpirun bellman train`: one run by several ranks, killed and resumed, and what is refused.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "apps/run/checkpoint.h"
#include "core/io/files.h"
#include "rl/state/training_state.h"
#include "tests/apps/ranks/mpirun.h"
#include "tests/apps/run_outcome.h"
#include "tests/support/long_tests.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// The run of these tests: prioritised, of stacks, with environments that two and three ranks deal out unequally.
Words ranked_run() {
  return short_run() + Words{"--num-envs", "5", "--threads", "1",       "--prioritized", "--frame-stack", "2",
                             "--n-step",   "2", "--learner", "op-by-op"};
}

CommandResult train(const MpiLibrary& library, int ranks, const Words& words,
                    const CommandOptions& options = {}) {
  return mpirun(library, ranks, BELLMAN_COMMAND, words, options);
}

RunOutcome trained(const MpiLibrary& library, int ranks, const fs::path& directory) {
  const CommandResult result = train(library, ranks, ranked_run() + Words{"--run-dir", directory.string()});
  REQUIRE_MESSAGE(result.exit_code == 0, result.err);
  CHECK(result.out == "");
  CHECK(result.err == "");
  return outcome_of(directory);
}

/// The processes of this command that have `word` on their command line: the ranks of a run.
std::vector<int> ranks_with(const std::string& word) {
  std::vector<int> found;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    const int pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0) continue;
    std::string line;
    try {
      line = read_file(entry.path() / "cmdline", 1 << 16);
    } catch (const std::exception&) {  // it has ended
      continue;
    }
    const std::string program = line.substr(0, line.find('\0'));
    if (program == BELLMAN_COMMAND && line.find(word) != std::string::npos) found.push_back(pid);
  }
  return found;
}

void wait_for_end_of(const std::string& word) {
  const auto deadline = Clock::now() + std::chrono::seconds(60);
  while (!ranks_with(word).empty()) {
    REQUIRE(Clock::now() < deadline);
    std::this_thread::sleep_for(milliseconds(5));
  }
}

TEST_CASE("ranks train one run, to the same bits with each MPI library") {
  std::vector<RunOutcome> outcomes;
  for (const MpiLibrary& library : mpi_libraries()) {
    CAPTURE(library.name);
    const TemporaryDirectory top;
    outcomes.push_back(trained(library, 2, top / "run"));
    check_same(outcomes.back(), outcomes.front());
    CHECK(checkpoints_of(top / "run").size() >= 1);
    CHECK(load_checkpoint(checkpoints_of(top / "run").front()).ranks == 2);
  }
}

TEST_CASE("ranks train on devices, whose gradients go a way that the run tells") {
  // 26,882 parameters, whose gradient is summed in parts.
  const Words run = {"train",
                     "--device",
                     "simt",
                     "--env-id",
                     "CartPole-v1",
                     "--preset",
                     "none",
                     "--network",
                     "dense 160, relu, dense 160, relu",
                     "--num-envs",
                     "2",
                     "--batch-size",
                     "8",
                     "--buffer-size",
                     "200",
                     "--learning-starts",
                     "60",
                     "--train-frequency",
                     "10",
                     "--total-timesteps",
                     "120",
                     "--eval-frequency",
                     "0",
                     "--final-eval-episodes",
                     "1",
                     "--no-report",
                     "--run-dir"};
  std::vector<std::string> models;
  for (const MpiLibrary& library : mpi_libraries()) {
    CAPTURE(library.name);
    const TemporaryDirectory top;
    const CommandResult result = train(library, 2, run + Words{(top / "run").string()});
    REQUIRE_MESSAGE(result.exit_code == 0, result.err);
    std::string said = result.out;
    std::ranges::replace(said, '\n', ' ');  // its lines are wrapped
    CAPTURE(said);
    CHECK(said.find("gradients go through host memory: rank 0: the executor has no NCCL.") !=
          std::string::npos);
    models.push_back(read_file(top / "run" / "model.safetensors", 1 << 20));
    CHECK(models.back() == models.front());
  }
}

TEST_CASE("a run whose ranks or mpirun are killed at any moment is resumed to the bits of one that was not") {
  for (const MpiLibrary& library : mpi_libraries()) {
    CAPTURE(library.name);
    const TemporaryDirectory top;
    const int ranks = library.name == "mpich" ? 3 : 2;
    const auto begin = Clock::now();
    const RunOutcome reference = trained(library, ranks, top / "whole");
    const auto whole = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);

    std::mt19937 random(20);
    const int wanted = has_long_tests() ? 50 : 3;
    for (int kills = 0, run = 0; kills < wanted; ++run) {
      const std::string name = "run-" + std::to_string(run) + "-";
      const fs::path directory = top / name;
      bool is_over = false;
      while (!is_over) {
        const bool begins = !fs::exists(directory) || checkpoints_of(directory).empty();
        const Words words = begins ? ranked_run() + Words{"--overwrite", "--run-dir", directory.string()}
                                   : Words{"train", "--quiet", "--resume", directory.string()};
        const auto delay =
            milliseconds(random() % static_cast<unsigned>(std::max<std::int64_t>(whole.count(), 1)));
        bool killed = false;
        const CommandResult result =
            train(library, ranks, words, {.on_start = [&](int pid) {
                    std::this_thread::sleep_for(delay);
                    if (kills == wanted) return;
                    std::vector<int> candidates = ranks_with(name);
                    candidates.push_back(pid);
                    killed = ::kill(candidates[random() % candidates.size()], SIGKILL) == 0;
                  }});
        wait_for_end_of(name);
        CAPTURE(result.err);
        is_over = result.exit_code == 0;  // also of one that was killed when it had ended
        kills += killed && !is_over;
        REQUIRE((is_over || killed));
      }
      CHECK(temporary_files(directory).empty());
      check_same(outcome_of(directory), reference);
    }
  }
}

TEST_CASE("a signal to one rank ends all early, with a checkpoint that resumes on any number of ranks") {
  for (const MpiLibrary& library : mpi_libraries()) {
    CAPTURE(library.name);
    const TemporaryDirectory top;
    const fs::path directory = top / "stopped-run";
    const CommandResult result = train(
        library, 2, ranked_run() + Words{"--total-timesteps", "1000000", "--run-dir", directory.string()},
        {.on_start = [&](int) {
          const auto deadline = Clock::now() + std::chrono::seconds(60);
          while (!fs::exists(directory) || checkpoints_of(directory).empty()) {
            REQUIRE(Clock::now() < deadline);
            std::this_thread::sleep_for(milliseconds(2));
          }
          ::kill(ranks_with("stopped-run").back(), SIGUSR1);  // any of them
        }});
    CAPTURE(result.err);
    CHECK(result.exit_code != 0);
    wait_for_end_of("stopped-run");
    const Checkpoint stopped = load_checkpoint(checkpoints_of(directory).front());
    CHECK(stopped.timestep < 1'000'000);
    const std::string end = std::to_string(stopped.timestep + 100);
    for (const int ranks : {3, 1}) {
      fs::copy(directory, top / std::to_string(ranks), fs::copy_options::recursive);
      const CommandResult resumed =
          train(library, ranks,
                {"train", "--quiet", "--resume", (top / std::to_string(ranks)).string(), "--override",
                 "total-timesteps=" + end});
      REQUIRE_MESSAGE(resumed.exit_code == 0, resumed.err);
      CHECK(resumed.err.find("up to 2 ranks trained it, now " + std::to_string(ranks)) != std::string::npos);
      CHECK(load_checkpoint(checkpoints_of(top / std::to_string(ranks)).front()).timestep ==
            stopped.timestep + 100);
    }
  }
}

TEST_CASE(
    "a rank that cannot write its part of a checkpoint ends all with its name, and the checkpoint before "
    "stays") {
  for (const MpiLibrary& library : mpi_libraries()) {
    if (library.name == "mpich") continue;  // its own files, to share memory, would be too large
    CAPTURE(library.name);
    const TemporaryDirectory top;
    const fs::path directory = top / "run";
    // Its parts grow with the replay, to 7 KB; it may write files of 4 KiB.
    const Words run = ranked_run() + Words{"--run-dir", directory.string()};
    const Words limited = Words{"bash", "-c", "ulimit -f 4; exec \"$0\" \"$@\"", BELLMAN_COMMAND} + run;
    const CommandResult result = train(library, 1, run + Words{":", "-n", "1"} + limited);
    CAPTURE(result.err);
    CHECK(result.exit_code != 0);
    CHECK(result.err.find("bellman train: rank 1 of 2: " + directory.string() + "/checkpoint-") !=
          std::string::npos);
    CHECK(result.err.find(".rank-1-of-2.safetensors") != std::string::npos);
    const std::vector<fs::path> left = checkpoints_of(directory);
    REQUIRE(!left.empty());
    for (const fs::path& path : left) CHECK_NOTHROW(load_checkpoint(path));
    const CommandResult resumed = train(library, 2, {"train", "--quiet", "--resume", directory.string()});
    CHECK_MESSAGE(resumed.exit_code == 0, resumed.err);
    CHECK(load_checkpoint(checkpoints_of(directory).front()).timestep == 2400);
  }
}

TEST_CASE("ranks that cannot train together are refused in one line that names rank and key") {
  for (const MpiLibrary& library : mpi_libraries()) {
    CAPTURE(library.name);
    const TemporaryDirectory top;
    const Words run = ranked_run() + Words{"--run-dir", (top / "run").string()};
    const auto refusal = [&](const Words& words, int ranks) {
      const CommandResult result = train(library, ranks, words);
      CHECK(result.exit_code != 0);
      CHECK_FALSE(fs::exists(top / "run"));
      return result.err;
    };
    const auto has = [](const std::string& text, const std::string& part) {
      CAPTURE(text);
      CHECK(text.find(part) != std::string::npos);
    };
    has(refusal(run + Words{"--num-envs", "2"}, 3), "num_envs is 2, fewer than the 3 ranks");
    has(refusal(run + Words{"--normalize-observation"}, 2),
        "several ranks cannot train this: normalize_observation");
    // The second rank is given another setting: "A... : -n 1 bellman B...".
    const std::string gamma = refusal(
        run + Words{"--gamma", "0.9", ":", "-n", "1", BELLMAN_COMMAND} + run + Words{"--gamma", "0.8"}, 1);
    has(gamma, "rank 1");
    has(gamma, "gamma");
    has(gamma, "0.8");
    has(gamma, "0.9");
    const auto other = [&](const Words& words) {
      return refusal(run + Words{":", "-n", "1", BELLMAN_COMMAND} + words, 1);
    };
    has(other({"sweep", "--seeds", "0-1"}),
        "the command is bellman sweep on rank 1, and bellman train on rank 0");
    has(other(ranked_run() + Words{"--run-dir", (top / "other").string()}), "--run-dir is ");
    has(other(run + Words{"--dry-run"}), "--dry-run is given on rank 1, and not given on rank 0");
    has(other({"train", "--resume", (top / "run").string()}), "--resume is ");
  }
}

}  // namespace
}  // namespace bellman::test
