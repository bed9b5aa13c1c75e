// A signal that asks a run to end: it writes a checkpoint, and can be resumed to the same bits.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "apps/run/checkpoint.h"
#include "core/io/files.h"
#include "rl/state/training_state.h"
#include "tests/apps/run_outcome.h"
#include "tests/support/parse_json.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
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

TEST_CASE("each signal that asks a run to end leaves a checkpoint, and exit code 128 + its number") {
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT, SIGHUP, SIGXCPU}) {
    CAPTURE(signal);
    const TemporaryDirectory top;
    const std::int64_t stopped = stop_with(signal, top / "run");
    const std::string end = std::to_string(stopped + 700);
    const CommandResult resumed = run_bellman(
        {"train", "--quiet", "--resume", (top / "run").string(), "--override", "total-timesteps=" + end});
    REQUIRE_MESSAGE(resumed.exit_code == 0, resumed.err);
    // The schedules know how long a run is to be: where both had 10^9 steps before them they are equal only
    // as far as the signal, so the run must resume from there and reach its new end.
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
  // From step 100 on each gradient step takes many seconds: the first signal is not seen for long.
  const std::vector<std::string> words =
      long_run(top / "run") +
      std::vector<std::string>{
          "--device", "reference",        "--network", "dense 512, relu, dense 512", "--batch-size",
          "8192",     "--eval-frequency", "1000000",   "--checkpoint-frequency",     "50"};
  const CommandResult result = run_bellman(words, {.on_start = [&](int pid) {
                                             wait_for_checkpoint(top / "run");
                                             std::this_thread::sleep_for(milliseconds(300));
                                             ::kill(pid, SIGINT);
                                             // The first is taken note of before the second is sent.
                                             std::this_thread::sleep_for(milliseconds(300));
                                             ::kill(pid, SIGINT);
                                           }});
  CHECK(result.signal == SIGINT);
  CHECK_FALSE(fs::exists(top / "run/model.safetensors"));
  CHECK_FALSE(checkpoints_of(top / "run").empty());
}

TEST_CASE("a run that ignores a signal continues after it, as under nohup") {
  const TemporaryDirectory top;
  const CommandResult result =
      run_bellman(long_run(top / "run"), {.ignored_signals = {SIGHUP}, .on_start = [&](int pid) {
                                            wait_for_checkpoint(top / "run");
                                            ::kill(pid, SIGHUP);
                                            const fs::path before = checkpoints_of(top / "run").front();
                                            while (checkpoints_of(top / "run").front() == before)
                                              std::this_thread::sleep_for(milliseconds(1));
                                            ::kill(pid, SIGTERM);
                                            ::kill(pid, SIGHUP);  // ignored after the first signal, too
                                          }});
  CHECK(result.err == "");
  CHECK(result.exit_code == 128 + SIGTERM);
}

/// What a run says in the second after it was asked to end, whatever it was doing; then how it ended.
CommandResult asked_to_end(const std::vector<std::string>& words, const std::function<void()>& wait) {
  std::atomic<Clock::rep> asked = 0;
  std::thread asker;
  double seconds = -1;
  const CommandResult result =
      run_bellman(words, {.on_start =
                              [&](int pid) {
                                asker = std::thread([&, pid] {
                                  wait();
                                  asked = Clock::now().time_since_epoch().count();
                                  ::kill(pid, SIGTERM);
                                });
                              },
                          .on_output =
                              [&](int, const std::string& out) {
                                if (seconds >= 0 || out.find("Ending early: ") == std::string::npos) return;
                                const Clock::time_point then{Clock::duration(asked.load())};
                                seconds = std::chrono::duration<double>(Clock::now() - then).count();
                              }});
  asker.join();
  CHECK(seconds >= 0);
  CHECK(seconds < 1);
  return result;
}

TEST_CASE("within a second of a signal a run says what it does: also in a phase that would never end") {
  const TemporaryDirectory top;
  std::vector<std::string> words = long_run(top / "run");
  std::erase(words, "--quiet");
  words = words + std::vector<std::string>{"--gradient-steps", "100000000", "--checkpoint-frequency", "50"};
  const CommandResult result = asked_to_end(words, [&] {
    wait_for_checkpoint(top / "run");
    std::this_thread::sleep_for(milliseconds(200));  // the phase of step 100 has begun
  });
  CHECK(result.exit_code == 128 + SIGTERM);
  CHECK(result.out.find("Interrupted: ") != std::string::npos);
  CHECK(result.out.find("Evaluation: none") != std::string::npos);
  CHECK(fs::exists(top / "run/model.safetensors"));
  const Checkpoint last = load_checkpoint(checkpoints_of(top / "run").front());
  CHECK(last.timestep == 100);
  CHECK(StateReader(last.state, "").count("trainer.phase_steps") > 0);
}

TEST_CASE("within a second of a signal a sweep says what it does, and leaves its files") {
  const TemporaryDirectory top;
  const fs::path sweep = top / "sweep";
  const CommandResult result = asked_to_end(
      {"sweep", "--seeds", "1-4", "--preset", "none", "--total-timesteps", "1000000000", "--jobs", "2",
       "--gradient-steps", "100000000", "--learning-starts", "100", "--sweep-dir", sweep.string()},
      [&] {
        while (!fs::exists(sweep / "sweep_plan.safetensors")) std::this_thread::sleep_for(milliseconds(1));
        std::this_thread::sleep_for(milliseconds(300));
      });
  CHECK(result.exit_code == 128 + SIGTERM);
  CHECK(fs::exists(sweep / "sweep.json"));
  CHECK(temporary_files(sweep).empty());
}

TEST_CASE("a signal in the final evaluation cuts it: exit code, JSON and files agree") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    CAPTURE(signal);
    const TemporaryDirectory top;
    const fs::path run = top / "run";
    std::vector<std::string> words =
        short_run() +
        std::vector<std::string>{"--json", "--final-eval-episodes", "300000", "--run-dir", run.string()};
    const auto begin = Clock::now();
    Clock::time_point asked = begin;
    const CommandResult result =
        run_bellman(words, {.on_start = [&](int pid) {
                      while (!fs::exists(run / "model.safetensors") ||
                             checkpoints_of(run).front() != checkpoint_path(run, 2400)) {
                        REQUIRE(Clock::now() - begin < std::chrono::seconds(60));
                        std::this_thread::sleep_for(milliseconds(1));
                      }
                      std::this_thread::sleep_for(milliseconds(100));
                      asked = Clock::now();
                      ::kill(pid, signal);
                    }});
    CHECK(result.exit_code == 128 + signal);
    const auto json = parse_json(result.out);
    CHECK(json["interrupted"] == true);
    CHECK(json["eval"]["episodes"] == 0);
    CHECK(json["eval"]["mean"].is_null());
    CHECK(json["total_timesteps"] == 2400);
    CHECK(temporary_files(run).empty());
    // The rest of the run is its final evaluation.
    const CommandResult rest = run_bellman(
        {"train", "--quiet", "--json", "--resume", run.string(), "--override", "final_eval_episodes=2"});
    CHECK(rest.exit_code == 0);
    CHECK(parse_json(rest.out)["interrupted"] == false);
    CHECK(parse_json(rest.out)["eval"]["episodes"] == 2);
  }
}

TEST_CASE("the first Ctrl-C ends what trains nothing: train --resume DIR --dry-run") {
  const TemporaryDirectory top;
  // Its checkpoint takes a moment to be read.
  const CommandResult trained = run_bellman(
      {"train", "--quiet", "--env-id", "FourRooms-v0", "--observation", "planes", "--network",
       "flatten, dense 8, relu", "--buffer-size", "30000", "--total-timesteps", "30000", "--learning-starts",
       "30000", "--final-eval-episodes", "1", "--run-dir", (top / "run").string()});
  REQUIRE_MESSAGE(trained.exit_code == 0, trained.err);
  const CommandResult result =
      run_bellman({"train", "--resume", (top / "run").string(), "--dry-run"}, {.on_start = [&](int pid) {
                    const std::string holder = "process " + std::to_string(pid) + " ";
                    while (read_file(top / "run/lock", 1000).find(holder) != 0) std::this_thread::yield();
                    ::kill(pid, SIGINT);
                  }});
  CHECK(result.signal == SIGINT);
  CHECK(result.out == "");
}

TEST_CASE("checkpoints by time: killed after one, a run resumes to the bits of one that was not") {
  const TemporaryDirectory top;
  const std::vector<std::string> words = short_run() + std::vector<std::string>{"--total-timesteps",
                                                                                "700",
                                                                                "--gradient-steps",
                                                                                "200",
                                                                                "--learning-starts",
                                                                                "200",
                                                                                "--checkpoint-frequency",
                                                                                "0",
                                                                                "--checkpoint-seconds",
                                                                                "0.01",
                                                                                "--keep",
                                                                                "2"};
  const RunOutcome reference = uninterrupted(words, top / "reference");
  const fs::path run = top / "run";
  const std::vector<std::string> start = words + std::vector<std::string>{"--run-dir", run.string()};
  const CommandResult killed = run_bellman(start, {.on_start = [&](int pid) {
                                             wait_for_checkpoint(run);
                                             CHECK(checkpoints_of(run).size() <= 3);  // one is being replaced
                                             ::kill(pid, SIGKILL);
                                           }});
  REQUIRE(killed.signal == SIGKILL);
  const CommandResult verified = run_bellman({"verify", run.string()});
  CHECK_MESSAGE(verified.exit_code == 0, verified.out);
  check_resumes_to(reference, run);
  CHECK(checkpoints_of(run).size() == 2);
}

}  // namespace
}  // namespace bellman::test
