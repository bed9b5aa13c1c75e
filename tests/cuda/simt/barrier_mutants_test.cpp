// Every barrier of our kernels is needed, and the thread sanitizer misses it when it is gone.
//
// The list of barriers is read from the sources, so that a new kernel is tested without a word here. For each
// of them the ops that come to it run once more without it; a data race must be reported, or the executor
// must complain. A barrier whose removal goes unnoticed is either not needed or not exercised; so is one that no op
// comes to. Each is taken out in long runs (tests/support/long_tests.h), else the first of each file.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/long_tests.h"
#include "tests/support/run_program.h"

namespace bellman::test {
namespace {

constexpr int kExecutorError = 3, kRace = 5;  // exit codes: simt_mutants.cpp; and what we tell the sanitizer

CommandResult run_mutants(std::vector<std::string> arguments, const std::string& dropped = "") {
  CommandOptions options;
  options.environment = {{"TSAN_OPTIONS", "exitcode=5:halt_on_error=1"}, {"BELLMAN_SIMT_ORDER", "ascending"}};
  if (!dropped.empty()) options.environment["BELLMAN_SIMT_DROP_BARRIER"] = dropped;
  options.fixed_addresses = true;
  return run_program(SIMT_MUTANTS, arguments, options);
}

bool calls(const std::string& line, const char* function) {
  const std::size_t call = line.find(function);
  return call != std::string::npos && call < line.find("//");
}

/// "cuda/ops/dense.cu:41" for each barrier of cuda/.
std::vector<std::string> barriers_of_sources() {
  std::vector<std::string> barriers;
  std::vector<std::filesystem::path> paths;
  for (const char* const folder : {"cuda/base", "cuda/ops", "cuda/fused", "cuda/agent_kernel"})
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(BELLMAN_SOURCE_DIR) / folder))
      paths.push_back(entry.path());
  for (const std::filesystem::path& path : paths) {
    const std::string folder = "cuda/" + path.parent_path().filename().string() + "/";
    if (path.extension() != ".cu" && path.extension() != ".cuh") continue;
    std::ifstream file(path);
    int number = 0;
    for (std::string line; std::getline(file, line);) {
      ++number;
      if (calls(line, "__syncthreads(") || calls(line, "__syncwarp("))
        barriers.push_back(folder + path.filename().string() + ':' + std::to_string(number));
    }
  }
  std::sort(barriers.begin(), barriers.end());
  return barriers;
}

/// Barrier to the numbers of the ops that come to it. Fails the test when an op races as it is.
std::map<std::string, std::vector<std::string>> ops_by_barrier() {
  const CommandResult result = run_mutants({"--barriers"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  std::map<std::string, std::vector<std::string>> ops;
  std::istringstream lines(result.out);
  for (std::string number, name, place; lines >> number >> name >> place;) {
    const std::size_t folder = place.rfind("cuda/");
    REQUIRE(folder != std::string::npos);
    ops[place.substr(folder)].push_back(number);
  }
  return ops;
}

}  // namespace

TEST_CASE("no op races, and each barrier is missed when it is gone") {
  const std::vector<std::string> barriers = barriers_of_sources();
  REQUIRE_FALSE(barriers.empty());
  auto ops = ops_by_barrier();
  std::string last_file;
  for (const std::string& barrier : barriers) {
    INFO(barrier);
    std::vector<std::string> arguments = ops[barrier];
    CHECK_MESSAGE(!arguments.empty(), "no op comes to this barrier");
    if (arguments.empty()) continue;
    const std::string file = barrier.substr(0, barrier.rfind(':'));
    if (std::exchange(last_file, file) == file && !has_long_tests()) continue;
    arguments.insert(arguments.begin(), "--run");
    const CommandResult result = run_mutants(arguments, barrier);
    const bool crashed = result.exit_code == -1;  // an index that was never written
    CHECK((result.exit_code == kRace || result.exit_code == kExecutorError || crashed));
  }
}

}  // namespace bellman::test
