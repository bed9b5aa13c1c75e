// `bellman sweep` on a device gives the sweep of the CPU; and a sweep that was ended early, gone on with, is
// the one that was not.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>

#include "core/io/atomic_file.h"
#include "tests/apps/refusal.h"
#include "tests/apps/sweep_words.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

/// Four runs, two of which take much longer than the others.
Words sweep_on(const std::string& device, const fs::path& directory) {
  return Words{"sweep",
               "--quiet",
               "--json",
               "--seeds",
               "3-4",
               "--grid",
               "total_timesteps=150,700",
               "--grid",
               "n_step=1,2",
               "--device",
               device,
               "--sweep-dir",
               directory.string()} +
         small_training();
}

std::string swept(const Words& words) {
  const CommandResult result = run_bellman(words);
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  return without_times(result.out);
}

std::vector<fs::path> files_of_runs(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error))
    if (entry.path().filename().string().starts_with("run-")) files.push_back(entry.path());
  return files;
}

bool has_ended(int pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

/// Sends the signal when the first run is over, and says so. Whether the sweep is faster is no verdict.
CommandResult stopped(const Words& words, int signal, const fs::path& directory) {
  return run_bellman(words, {.on_start = [&](int pid) {
                       while (files_of_runs(directory).empty() && !has_ended(pid))
                         std::this_thread::sleep_for(std::chrono::milliseconds(1));
                       ::kill(pid, signal);
                     }});
}

TEST_CASE("a sweep on a device is the sweep on the CPU, however many train at a time") {
  const TemporaryDirectory top;
  const std::string expected = swept(sweep_on("cpu", top / "cpu"));
  CHECK(swept(sweep_on("simt", top / "simt")) == expected);
  CHECK(swept(sweep_on("simt", top / "two") + Words{"--jobs", "2"}) == expected);
  const auto curves = [&](const char* name) { return text_of(top / name / "sweep_curves.csv"); };
  CHECK(curves("simt") == curves("cpu"));
  CHECK(curves("two") == curves("cpu"));
  CHECK(files_of_runs(top / "simt").empty());
  check_refused({"sweep", "--resume", (top / "simt").string()}, {"--resume", "sweep_plan.json"});
}

TEST_CASE("a sweep that was ended early is gone on with to the same results") {
  for (const std::string device : {"simt", "cpu"}) {
    const TemporaryDirectory whole;
    const std::string expected = swept(sweep_on(device, whole / "sweep"));
    for (const int signal : {SIGINT, SIGKILL}) {
      CAPTURE(device);
      CAPTURE(signal);
      const TemporaryDirectory top;
      const fs::path directory = top / "cut";
      const CommandResult cut = stopped(sweep_on(device, directory), signal, directory);
      if (cut.exit_code == 0 || !fs::exists(directory / "sweep_plan.json")) continue;  // it was faster
      CHECK((cut.signal == SIGKILL || cut.exit_code == 128 + SIGINT));
      // What trained has left its state, too, unless it was killed.
      CHECK(files_of_runs(directory).size() >= (device == "simt" && signal == SIGINT ? 2 : 1));
      check_refused({"sweep", "--resume", directory.string(), "--seeds", "1"}, {"--resume"});
      CHECK(swept({"sweep", "--quiet", "--json", "--resume", directory.string()}) == expected);
      CHECK(text_of(directory / "sweep_curves.csv") == text_of(whole / "sweep" / "sweep_curves.csv"));
      CHECK(files_of_runs(directory).empty());
    }
  }
}

TEST_CASE("a damaged state of a sweep is refused by its name") {
  const TemporaryDirectory top;
  const fs::path directory = top / "cut";
  const CommandResult cut = stopped(sweep_on("simt", directory), SIGINT, directory);
  if (cut.exit_code == 0) return;  // it was faster
  REQUIRE_FALSE(files_of_runs(directory).empty());
  const fs::path file = files_of_runs(directory).front();
  std::string bytes = text_of(file);
  bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 1);
  write_file_atomically(file, bytes);
  check_refused({"sweep", "--resume", directory.string()}, {file.filename().string(), "damaged"});
}

}  // namespace
}  // namespace bellman::test
