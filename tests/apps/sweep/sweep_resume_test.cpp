// `bellman sweep` on a device gives the results of the CPU. A sweep that was ended early and resumed
// gives those of one that was not.
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "core/io/files.h"
#include "rl/train/model_file.h"
#include "tests/apps/preload.h"
#include "tests/apps/refusal.h"
#include "tests/apps/sweep_words.h"
#include "tests/support/run_command.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

#if defined(BELLMAN_THREAD_SANITIZED)  // the executor takes ten times as long there
constexpr int kDeviceSteps = 250;
#else
constexpr int kDeviceSteps = 700;
#endif

/// Four runs, two of which take much longer than the others.
Words sweep_on(const std::string& device, const fs::path& directory, int steps) {
  return Words{"sweep",
               "--quiet",
               "--json",
               "--seeds",
               "3-4",
               "--grid",
               "total_timesteps=150," + std::to_string(steps),
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

/// A sweep of which a signal finds much to do yet when the first run is over: about a second's work, and an
/// evaluation now and then. The executor is some thousand times slower than a CPU.
Words long_sweep(const std::string& device, const fs::path& directory) {
  if (device == "simt") return sweep_on(device, directory, kDeviceSteps);
  return sweep_on(device, directory, 300'000) + Words{"--jobs", "1", "--eval-frequency", "20000"};
}

/// Sends the signal as soon as the first run is over. Fails the test when the sweep was faster, again and
/// again.
CommandResult cut(const Words& words, int signal, const fs::path& directory) {
  for (int i = 0; i < 5; ++i) {
    const CommandResult result = run_bellman(words, {.on_start = [&](int pid) {
                                               while (files_of_runs(directory).empty() && !has_ended(pid))
                                                 std::this_thread::sleep_for(std::chrono::milliseconds(1));
                                               ::kill(pid, signal);
                                             }});
    if (result.signal == signal || result.exit_code == 128 + signal) return result;
    MESSAGE("the sweep ended with ", result.exit_code, " before it got the signal: ", result.err);
    fs::remove_all(directory);
  }
  REQUIRE_MESSAGE(false, "no signal came in time");
  return {};
}

TEST_CASE("a sweep on a device is the sweep on the CPU, however many train at a time") {
  const TemporaryDirectory top;
  const std::string expected = swept(sweep_on("cpu", top / "cpu", kDeviceSteps));
  CHECK(swept(sweep_on("simt", top / "simt", kDeviceSteps)) == expected);
  CHECK(swept(sweep_on("simt", top / "two", kDeviceSteps) + Words{"--jobs", "2"}) == expected);
  const auto curves = [&](const char* name) { return text_of(top / name / "sweep_curves.csv"); };
  CHECK(curves("simt") == curves("cpu"));
  CHECK(curves("two") == curves("cpu"));
  for (const char* const name : {"cpu", "simt"}) {  // nothing is left to do, and nothing changes
    CHECK(files_of_runs(top / name).size() == 8);
    CHECK(swept({"sweep", "--quiet", "--json", "--resume", (top / name).string()}) == expected);
  }
  const auto model = [&](const char* name) {
    return load_model(top / name / "best-CartPole-v1.safetensors");
  };
  CHECK(model("simt").timestep == model("cpu").timestep);
  CHECK(model("simt").seed == model("cpu").seed);
  CHECK(model("simt").network == model("cpu").network);
  fs::remove(top / "simt" / "sweep_plan.safetensors");
  check_refused({"sweep", "--resume", (top / "simt").string()}, {"--resume", "sweep_plan.safetensors"});
}

TEST_CASE("a sweep that was ended early resumes to the same results") {
  for (const std::string device : {"simt", "cpu"}) {
    const TemporaryDirectory whole;
    const std::string expected = swept(long_sweep(device, whole / "sweep"));
    for (const int signal : {SIGINT, SIGKILL}) {
      CAPTURE(device);
      CAPTURE(signal);
      const TemporaryDirectory top;
      const fs::path directory = top / "cut";
      cut(long_sweep(device, directory), signal, directory);
      // What trained has left its state, too, unless it was killed.
      CHECK(files_of_runs(directory).size() >= (device == "simt" && signal == SIGINT ? 2 : 1));
      check_refused({"sweep", "--resume", directory.string(), "--gamma", "0.5"}, {"--resume", "--seeds"});
      CHECK(swept({"sweep", "--quiet", "--json", "--resume", directory.string()}) == expected);
      CHECK(text_of(directory / "sweep_curves.csv") == text_of(whole / "sweep" / "sweep_curves.csv"));
      CHECK(files_of_runs(directory).size() == 8);
      CHECK(text_of(directory / "best-CartPole-v1.safetensors") ==
            text_of(whole / "sweep" / "best-CartPole-v1.safetensors"));
    }
  }
}

TEST_CASE("a sweep whose disk is full ends with that error, and resumes" * doctest::skip(!kCanPreload)) {
  const TemporaryDirectory top;
  const std::string expected = swept(sweep_on("cpu", top / "whole", 700));
  const fs::path directory = fs::canonical(top.path()) / "full";
  int of_runs = 0, of_results = 0;
  for (int call = 4;;
       call += 6) {  // the first twenty or so write the plan, the last ones the table and the page
    CAPTURE(call);
    const std::map<std::string, std::string> full = {{"LD_PRELOAD", BELLMAN_FAULTY_IO},
                                                     {"FAULTY_IO_DIRECTORY", directory.string()},
                                                     {"FAULTY_IO_FILES", "saved"},
                                                     {"FAULTY_IO_CALL", std::to_string(call)},
                                                     {"FAULTY_IO_ERRNO", std::to_string(ENOSPC)},
                                                     {"FAULTY_IO_FOREVER", "1"}};
    const CommandResult result = run_bellman(sweep_on("cpu", directory, 700), {.environment = full});
    CAPTURE(result.err);
    if (result.exit_code == 0) break;  // there are fewer calls
    REQUIRE(refused(result));
    CHECK(result.err.find("No space left") != std::string::npos);
    const bool is_result = result.err.find("sweep.html") != std::string::npos ||
                           result.err.find("sweep.csv") != std::string::npos ||
                           result.err.find("sweep_curves.csv") != std::string::npos;
    if (is_result) REQUIRE(fs::exists(directory / "sweep_plan.safetensors"));  // the runs are over: they stay
    if (!fs::exists(directory / "sweep_plan.safetensors")) continue;
    of_runs += result.err.find("run-000") != std::string::npos;
    of_results += is_result;
    CHECK(swept({"sweep", "--quiet", "--json", "--resume", directory.string()}) == expected);
    fs::remove_all(directory);
  }
  CHECK(of_runs >= 2);
  CHECK(of_results >= 2);
}

TEST_CASE("an ended sweep gets more seeds and settings, and is the sweep that had them from the start") {
  const TemporaryDirectory top;
  const fs::path directory = top / "grown";
  const auto files = [&](const std::string& name) { return text_of(directory / name); };
  const auto sweep = [&](const fs::path& where, const std::string& seeds, const Words& grid) {
    return Words{"sweep", "--quiet", "--json", "--seeds", seeds, "--sweep-dir", where.string()} + grid +
           small_training() + Words{"--total-timesteps", "300"};
  };
  swept(sweep(directory, "3", {"--grid", "gamma=0.9"}));
  const std::string first = files("run-0000-seed3.safetensors");
  const Words resume = {"sweep", "--quiet", "--json", "--resume", directory.string()};
  const std::string grown = swept(resume + Words{"--seeds", "3-5", "--grid", "gamma=0.8,0.90"});
  CHECK(files("run-0000-seed3.safetensors") == first);  // wall times and all: it was not trained again
  CHECK(grown == swept(sweep(top / "whole", "3-5", {"--grid", "gamma=0.9,0.8"})));
  CHECK(files("sweep_curves.csv") == text_of(top / "whole" / "sweep_curves.csv"));
  CHECK(files("best-CartPole-v1.safetensors") == text_of(top / "whole" / "best-CartPole-v1.safetensors"));

  const std::string second = files("run-0001-seed5.safetensors");
  swept(resume + Words{"--grid", "n_step=3"});  // beside the value that all have so far
  CHECK(files("run-0001-seed5.safetensors") == second);
  CHECK(files_of_runs(directory).size() == 12);
  check_refused(resume + Words{"--grid", "env_id=CliffWalking-v1"},
                {"--grid env_id", "CliffWalking-v1", "preset"});
  check_refused(resume + Words{"--grid", "gama=1"}, {"--grid", "gama"});
  check_refused(resume + Words{"--grid", "momentum=0.5"}, {"momentum", "optimizer"});
  check_refused(resume + Words{"--overwrite"}, {"--resume", "--seeds"});
  fs::remove(directory / "run-0001-seed5.safetensors");
  fs::remove(directory / "best-CartPole-v1.safetensors");
  const CommandResult lost = run_bellman(resume);
  CHECK(lost.err.find("best-CartPole-v1.safetensors: is missing; `bellman train ") != std::string::npos);
  CHECK(lost.exit_code == 0);
  CHECK(
      lost.err.find(
          "run-0001-seed5.safetensors: is missing; the run (gamma=0.8, n_step=1, seed 5) is trained again") !=
      std::string::npos);
}

TEST_CASE("a damaged state of a sweep is refused by its name") {
  const TemporaryDirectory top;
  const fs::path directory = top / "cut";
  const std::string expected = swept(long_sweep("cpu", top / "whole"));
  cut(long_sweep("cpu", directory), SIGINT, directory);
  REQUIRE_FALSE(files_of_runs(directory).empty());
  for (const fs::path& file : {files_of_runs(directory).front(), directory / "sweep_plan.safetensors"}) {
    const std::string whole = text_of(file), csv = text_of(directory / "sweep.csv");
    std::string bytes = whole;
    bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 1);
    write_file_atomically(file, bytes);
    check_refused({"sweep", "--resume", directory.string()}, {file.filename().string(), "damaged"});
    if (file != directory / "sweep_plan.safetensors")
      check_refused({"sweep", "--resume", directory.string()}, {"Without this file", "trains the run again"});
    CHECK(text_of(file) == bytes);
    CHECK(text_of(directory / "sweep.csv") == csv);
    write_file_atomically(file, whole);
  }
  CHECK(swept({"sweep", "--quiet", "--json", "--resume", directory.string()}) == expected);
}

}  // namespace
}  // namespace bellman::test
