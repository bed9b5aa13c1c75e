// `mpirun -n N bellman sweep`: the bytes of one machine's sweep, also after ranks were killed.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "core/io/files.h"
#include "tests/apps/ranks/mpirun.h"
#include "tests/apps/sweep_words.h"
#include "tests/support/error_message.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

namespace fs = std::filesystem;

/// Six runs.
Words sweep_in(const fs::path& directory, const std::string& timesteps, const Words& more = {}) {
  return Words{"sweep",         "--json",      "--quiet",          "--seeds",           "3-5",    "--grid",
               "gamma=0.9,0.8", "--sweep-dir", directory.string(), "--total-timesteps", timesteps} +
         small_training() + more;
}

CommandResult over_ranks(const MpiLibrary& library, int count, const Words& words,
                         const CommandOptions& options = {}) {
  return mpirun(library, count, BELLMAN_COMMAND, words, options);
}

void check_same_bytes(const fs::path& directory, const fs::path& whole) {
  for (const char* const file : {"sweep_curves.csv", "best-CartPole-v1.safetensors"})
    CHECK(text_of(directory / file) == text_of(whole / file));
}

/// The processes whose command line is that of the command in this directory, not of mpirun.
std::vector<int> ranks_in(const fs::path& directory) {
  std::vector<int> found;
  std::error_code error;
  for (const auto& process : fs::directory_iterator("/proc", error)) {
    const std::string name = process.path().filename().string();
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
    std::ifstream file(process.path() / "cmdline");
    const std::string words{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (words.starts_with(BELLMAN_COMMAND) && contains(words, directory.string()))
      found.push_back(std::stoi(name));
  }
  return found;
}

/// mpirun may end before them.
void wait_for_ranks_in(const fs::path& directory) {
  while (!ranks_in(directory).empty()) std::this_thread::yield();
}

std::size_t run_files_in(const fs::path& directory) {
  std::size_t files = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    files += name.starts_with("run-") && name.ends_with(".safetensors");
  }
  return files;
}

}  // namespace

TEST_CASE("a sweep over ranks of MPI has the bytes of one machine's, and resumes with any number of them") {
  const TemporaryDirectory top;
  const CommandResult one = run_bellman(sweep_in(top / "one", "600"));
  REQUIRE(one.exit_code == 0);
  for (const MpiLibrary& library : mpi_libraries())
    for (const int count : {2, 5}) {
      CAPTURE(library.name);
      CAPTURE(count);
      const fs::path directory = top / (library.name + std::to_string(count));
      const CommandResult result = over_ranks(library, count, sweep_in(directory, "600"));
      CAPTURE(result.err);
      REQUIRE(result.exit_code == 0);
      CHECK(without_times(result.out) == without_times(one.out));
      check_same_bytes(directory, top / "one");
      fs::remove(directory / "run-0000-seed4.safetensors");
      fs::remove(directory / "run-0001-seed3.safetensors");
      const CommandResult resumed =
          over_ranks(library, 3, {"sweep", "--json", "--quiet", "--resume", directory.string()});
      CHECK(resumed.exit_code == 0);
      CHECK(without_times(resumed.out) == without_times(one.out));
    }
}

TEST_CASE("a rank that is killed ends all; what was over is kept, and --resume without MPI does the rest") {
  const TemporaryDirectory top;
  for (const MpiLibrary& library : mpi_libraries()) {
    CAPTURE(library.name);
    const fs::path directory = top / library.name, whole = top / ("whole of " + library.name);
    REQUIRE(run_bellman(sweep_in(whole, "20000")).exit_code == 0);
    const CommandResult killed =
        over_ranks(library, 3, sweep_in(directory, "20000"), {.on_start = [&](int pid) {
                     while (run_files_in(directory) == 0 && !has_ended(pid)) std::this_thread::yield();
                     const std::vector<int> ranks = ranks_in(directory);
                     if (!ranks.empty()) ::kill(ranks.back(), SIGKILL);
                   }});
    CHECK(killed.exit_code != 0);
    wait_for_ranks_in(directory);
    CHECK(run_files_in(directory) >= 1);
    REQUIRE(run_bellman({"sweep", "--quiet", "--resume", directory.string()}).exit_code == 0);
    check_same_bytes(directory, whole);
  }
}

TEST_CASE("a signal to mpirun that it passes on ends the sweep early, with its files written") {
  const TemporaryDirectory top;
  for (const MpiLibrary& library : mpi_libraries()) {
    CAPTURE(library.name);
    const fs::path directory = top / library.name;
    const CommandResult result =
        over_ranks(library, 2, sweep_in(directory, "20000000"), {.on_start = [&](int pid) {
                     while (!fs::exists(directory / "sweep.csv") && !has_ended(pid))
                       std::this_thread::yield();
                     ::kill(pid, SIGUSR1);
                   }});
    wait_for_ranks_in(directory);
    if (library.name == "openmpi") CHECK(result.exit_code == 128 + SIGUSR1);  // MPICH's is 0 at times
    CHECK(fs::exists(directory / "sweep.html"));
    CHECK(run_files_in(directory) == 0);
  }
}

TEST_CASE("what ranks cannot do is refused in one line") {
  const TemporaryDirectory top;
  const auto refusal = [&](const MpiLibrary& library, const Words& words) {
    const CommandResult result = over_ranks(library, 2, words);
    CHECK(result.exit_code == 2);
    const std::size_t begin = result.err.find("bellman sweep: ");
    if (begin == std::string::npos) return result.err;
    CHECK(result.err.find("bellman sweep: ", begin + 1) == std::string::npos);
    return result.err.substr(begin, result.err.find('\n', begin) - begin);
  };
  for (const MpiLibrary& library : mpi_libraries()) {
    CAPTURE(library.name);
    CHECK(refusal(library, {"sweep", "--merge", top.path().string()}) ==
          "bellman sweep: rank 0 of 2: --merge trains nothing: start it without mpirun");
    CHECK(
        contains(refusal(library, sweep_in(top / "simt", "600", {"--device", "simt"})), "with --shard I/N"));
    CHECK(contains(refusal(library, sweep_in(top / "bad", "600", {"--tau", "7"})), "tau"));
    CHECK_FALSE(fs::exists(top / "simt"));
  }
}

TEST_CASE("ranks of one sweep with other settings are refused with rank and key") {
  const TemporaryDirectory top;
  for (const MpiLibrary& library : mpi_libraries()) {
    CAPTURE(library.name);
    const Words zero = sweep_in(top / "x", "600", {"--tau", "0.5"}),
                one = sweep_in(top / "x", "600", {"--tau", "0.6"});
    const CommandResult result = over_ranks(library, 1, zero + Words{":", "-n", "1", BELLMAN_COMMAND} + one);
    CHECK(result.exit_code == 2);
    CHECK(contains(result.err, "bellman sweep: rank 0 of 2: --tau is 0.6 on rank 1, and 0.5 on rank 0"));
    CHECK_FALSE(fs::exists(top / "x"));
  }
}

}  // namespace bellman::test
