// A signal that asks a run to end: it ends with a checkpoint, and can be gone on with to the same bits.
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>

#include "apps/checkpoint.h"
#include "tests/apps/run_outcome.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

/// Waits until the run has a checkpoint: it then listens to signals.
void wait_for_checkpoint(const fs::path& directory) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!fs::exists(directory) || checkpoints_of(directory).empty()) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(milliseconds(1));
  }
}

/// As short_run(), but it would go on for hours.
std::vector<std::string> long_run(const fs::path& directory) {
  return short_run() +
         std::vector<std::string>{"--total-timesteps", "1000000000", "--run-dir", directory.string()};
}

/// Sends `signal` to a long run and returns the step of the checkpoint that it leaves.
std::int64_t stop_with(int signal, const fs::path& directory) {
  const CommandResult result = run_bellman(long_run(directory), {.on_start = [&](int pid) {
                                             wait_for_checkpoint(directory);
                                             ::kill(pid, signal);
                                           }});
  CHECK(result.err == "");
  CHECK(result.signal == 0);
  CHECK(result.exit_code == 128 + signal);
  CHECK(fs::exists(directory / "model.safetensors"));
  CHECK(temporary_files(directory).empty());
  return load_checkpoint(checkpoints_of(directory).front()).timestep;
}

TEST_CASE("SIGUSR1, SIGTERM and SIGINT end a run with a checkpoint and 128 + their number") {
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT}) {
    CAPTURE(signal);
    const TemporaryDirectory top;
    const std::int64_t stopped = stop_with(signal, top / "run");
    const std::string end = std::to_string(stopped + 700);
    const CommandResult resumed = run_bellman(
        {"train", "--quiet", "--resume", (top / "run").string(), "--override", "total-timesteps=" + end});
    REQUIRE_MESSAGE(resumed.exit_code == 0, resumed.err);
    // The schedules know how long a run is to be: where both had 10^9 steps before them they are equal only
    // as far as the signal, so it is asked here that the run goes on from there to its new end.
    CHECK(load_checkpoint(checkpoints_of(top / "run").front()).timestep == stopped + 700);
  }
}

TEST_CASE("a run that is asked to end again and again ends with the bits of one that was not") {
  const TemporaryDirectory top;
  // Evaluations take the most of its time: most signals come within one.
  const std::vector<std::string> words =
      short_run() + std::vector<std::string>{"--eval-frequency", "100", "--eval-episodes",        "30",
                                             "--num-envs",       "3",   "--checkpoint-frequency", "0"};
  const RunOutcome reference = uninterrupted(words, top / "reference");
  constexpr int kMostStops = 8;  // of a run: a sanitizer would make hundreds of them
  std::mt19937_64 random(1);
  int stops = 0;
  int too_early = 0;  // signals; a slow machine is given more and more time
  for (int i = 0; i < 6; ++i) {
    CAPTURE(i);
    const fs::path directory = top / ("run" + std::to_string(i));
    std::vector<std::string> next =
        words + std::vector<std::string>{"--overwrite", "--run-dir", directory.string()};
    int stopped = 0;
    while (stopped < kMostStops) {
      const milliseconds wait(std::uniform_int_distribution<int>(10, 80)(random) + 10 * too_early);
      const CommandResult result = run_bellman(next, {.on_start = [&](int pid) {
                                                 std::this_thread::sleep_for(wait);
                                                 ::kill(pid, SIGUSR1);
                                               }});
      if (result.exit_code == 0) break;
      if (result.signal == SIGUSR1) {  // it came before the run had begun to listen
        ++too_early;
        continue;
      }
      REQUIRE_MESSAGE(result.exit_code == 128 + SIGUSR1, result.err);
      ++stopped;
      next = {"train", "--quiet", "--resume", directory.string()};
    }
    stops += stopped;
    check_resumes_to(reference, directory);
  }
  MESSAGE("SIGUSR1, again and again: 6 runs, " << stops << " stops");
}

TEST_CASE("a second SIGINT ends at once") {
  const TemporaryDirectory top;
  // Nothing but the one evaluation that it is in: without the second signal it would not end for long.
  const std::vector<std::string> words =
      long_run(top / "run") + std::vector<std::string>{"--final-eval-episodes", "1000000"};
  const CommandResult result = run_bellman(words, {.on_start = [&](int pid) {
                                             wait_for_checkpoint(top / "run");
                                             ::kill(pid, SIGINT);
                                             // The first is taken note of before the second is sent.
                                             std::this_thread::sleep_for(milliseconds(300));
                                             ::kill(pid, SIGINT);
                                           }});
  CHECK(result.signal == SIGINT);
  CHECK_FALSE(fs::exists(top / "run/model.safetensors"));
  CHECK_FALSE(checkpoints_of(top / "run").empty());
}

}  // namespace
}  // namespace bellman::test
