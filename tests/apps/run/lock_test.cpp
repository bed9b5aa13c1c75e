// One directory, one run: any other process gets an error that names the first.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

#include "apps/run/checkpoint.h"
#include "apps/run/run_directory.h"
#include "core/io/files.h"
#include "tests/apps/refusal.h"
#include "tests/apps/run_outcome.h"
#include "tests/apps/text_file.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

constexpr int kProcesses = 50;

/// Starts kProcesses commands at once; "code", "out" and "err" of each stay behind in `top`.
std::string start_all(const std::string& command, const fs::path& top) {
  const std::string at = top.string() + "/$i.";
  return "i=0; while [ $i -lt " + std::to_string(kProcesses) + " ]; do ( " + command + " > " + at +
         "out 2> " + at + "err; echo $? > " + at + "part; mv " + at + "part " + at +
         "code ) & i=$((i+1)); done; wait";
}

std::string text_of(const fs::path& path) { return read_file(path, 1 << 20); }

/// Waits until all but one have ended, and asks that one to: no luck is needed for the 49 to meet it.
int end_the_last(const fs::path& top, const fs::path& run) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(90);
  for (int ended = 0; ended < kProcesses - 1;) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ended = 0;
    for (int i = 0; i < kProcesses; ++i) ended += fs::exists(top / (std::to_string(i) + ".code"));
  }
  while (checkpoints_of(run).empty()) REQUIRE(std::chrono::steady_clock::now() < deadline);
  const int holder = std::atoi(text_of(run / "lock").substr(std::string("process ").size()).c_str());
  REQUIRE(holder > 0);
  ::kill(holder, SIGUSR1);
  return holder;
}

/// One trained until it was asked to end; each of the others named it and the directory in one line.
void check_one_trains(const std::string& what, const std::string& words, const fs::path& top,
                      const fs::path& run) {
  int holder = 0;
  const std::string command = std::string(BELLMAN_COMMAND) + " " + words + " " + run.string();
  run_program("/bin/sh", {"-c", start_all(command, top)},
              {.on_start = [&](int) { holder = end_the_last(top, run); }});
  const std::string line =
      "bellman train: run directory " + run.string() + ": process " + std::to_string(holder) + " on ";
  int trained = 0, refused = 0;
  for (int i = 0; i < kProcesses; ++i) {
    const std::string code = text_of(top / (std::to_string(i) + ".code"));
    const std::string err = text_of(top / (std::to_string(i) + ".err"));
    if (code == std::to_string(128 + SIGUSR1) + "\n") {
      ++trained;
      CHECK(err == "");
    } else {
      ++refused;
      CHECK(code == "2\n");
      CHECK(err.substr(0, line.size()) == line);
      CHECK(err.ends_with(" is training in it\n"));
      CHECK(std::count(err.begin(), err.end(), '\n') == 1);
    }
    CHECK(text_of(top / (std::to_string(i) + ".out")) == "");
  }
  CHECK(trained == 1);
  CHECK(refused == kProcesses - 1);
  MESSAGE("50 runs at once, " << what << ": " << trained << " trained, " << refused << " named it");
}

TEST_CASE("50 runs in one directory at once: one trains, 49 say who does") {
  const TemporaryDirectory top, run;
  const std::string steps =
      " --total-timesteps 1000000000 --checkpoint-frequency 300 --network 'dense 4, relu'";
  SUBCASE("it is not there yet") {
    check_one_trains("a directory that is not there yet", "train --quiet" + steps + " --run-dir", top.path(),
                     run / "a/b");
  }
  SUBCASE("it is empty") {
    check_one_trains("an empty directory", "train --quiet" + steps + " --run-dir", top.path(), run.path());
  }
  SUBCASE("all of them resume") {
    REQUIRE(
        run_bellman(short_run() + std::vector<std::string>{"--run-dir", (run / "a").string()}).exit_code ==
        0);
    check_one_trains("--resume", "train --quiet --override total-timesteps=1000000000 --resume", top.path(),
                     run / "a");
  }
}

TEST_CASE("a directory that a run has and has not saved in says who has it") {
  const TemporaryDirectory top;
  const RunDirectory held(top / "run", false);
  for (const Words& words : {Words{"train", "--resume"}, Words{"sweep", "--resume"}, Words{"verify"}})
    check_refused(words + Words{(top / "run").string()},
                  {"process " + std::to_string(::getpid()) + " on ", "is training in it"});
  fs::create_directory(top / "other");
  written(top / "other" / "lock", "process 1 on elsewhere");  // of a run that is over
  check_refused({"train", "--resume", (top / "other").string()}, {"there is no checkpoint to resume from"});
}

TEST_CASE("the lock of a run that was killed does not block others") {
  const TemporaryDirectory top;
  const RunOutcome reference = uninterrupted(short_run(), top / "reference");
  const fs::path run = top / "run";
  run_bellman(short_run() + std::vector<std::string>{"--total-timesteps", "2400", "--run-dir", run.string()},
              {.on_start = [&](int pid) {
                while (!fs::exists(run) || checkpoints_of(run).empty()) std::this_thread::yield();
                ::kill(pid, SIGKILL);
              }});
  CHECK(fs::exists(run / "lock"));
  check_resumes_to(reference, run);
}

}  // namespace
}  // namespace bellman::test
