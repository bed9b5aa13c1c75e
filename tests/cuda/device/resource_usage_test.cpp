// What ptxas made of every kernel, for every architecture: registers that did not suffice would be spilled to
// local memory, which lies in the GPU's slow memory and which no kernel of ours may use, but for those that
// are named here with their reason. And whether a block's threads find their registers at all: a launch that
// does not, fails on a GPU alone.
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace bellman::test {
namespace {

/// Kernels, by a part of their name, that may use so many bytes of stack a thread. None does.
const std::map<std::string, int> kAllowedStack = {};

struct Usage {
  std::string kernel, architecture;
  int registers = -1, stack = -1, spill_stores = -1, spill_loads = -1;
};

/// "Compiling entry function 'NAME' for 'sm_90'", then the bytes of stack and spills, then "Used N
/// registers".
std::vector<Usage> parse(const std::string& report) {
  static const std::regex entry("Compiling entry function '(\\w+)' for '(\\w+)'"),
      bytes("(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill loads"),
      used("Used (\\d+) registers");
  std::vector<Usage> all;
  std::istringstream lines(report);
  std::smatch found;
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_search(line, found, entry)) all.push_back({found[1], found[2]});
    if (all.empty()) continue;
    Usage& usage = all.back();
    if (std::regex_search(line, found, bytes)) {
      usage.stack = std::stoi(found[1]);
      usage.spill_stores = std::stoi(found[2]);
      usage.spill_loads = std::stoi(found[3]);
    }
    if (std::regex_search(line, found, used)) usage.registers = std::stoi(found[1]);
  }
  return all;
}

/// The most threads that a block of a kernel has, by a part of the kernel's name; of all others
/// kOtherThreads.
const std::map<std::string, int> kThreads = {{"td_loss_kernel", 1024},
                                             {"sum_tree_set_kernel", 1024},
                                             {"prioritized_add_kernel", 1024},
                                             {"layer_norm_param", 1024},
                                             {"prioritized_update_kernel", 1024},
                                             {"fused_dqn_kernel", 512},
                                             {"agent_kernel", 512},
                                             {"squares_kernel", 512},
                                             {"root_of_sum_kernel", 512},
                                             {"first_kernel", 512},
                                             {"decide_kernel", 512},
                                             {"add_learn_stats_kernel", 512},
                                             {"mean_loss_kernel", 512},
                                             {"importance_weights_kernel", 512}};
constexpr int kOtherThreads = 256;
constexpr int kRegisters = 65536;  // of a multiprocessor, and so of a block, on every GPU that we compile for

int threads_of(const std::string& kernel) {
  for (const auto& [part, threads] : kThreads)
    if (kernel.find(part) != std::string::npos) return threads;
  return kOtherThreads;
}

/// What a block of the kernel takes: a thread's registers are given out by eights.
int registers_of_block(const Usage& usage) {
  return (usage.registers + 7) / 8 * 8 * threads_of(usage.kernel);
}

int allowed_stack(const std::string& kernel) {
  for (const auto& [part, bytes] : kAllowedStack)
    if (kernel.find(part) != std::string::npos) return bytes;
  return 0;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  REQUIRE_MESSAGE(file.good(), path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST_CASE("ptxas's report is read") {
  const std::vector<Usage> usage = parse(
      "ptxas info    : Compiling entry function '_Z3fooPf' for 'sm_90'\n"
      "ptxas info    : Function properties for _Z3fooPf\n"
      "    16 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads\n"
      "ptxas info    : Used 40 registers, used 1 barriers, 16 bytes cumulative stack size\n");
  REQUIRE(usage.size() == 1);
  CHECK(usage[0].kernel == "_Z3fooPf");
  CHECK(usage[0].architecture == "sm_90");
  CHECK(usage[0].stack == 16);
  CHECK(usage[0].spill_stores == 8);
  CHECK(usage[0].spill_loads == 4);
  CHECK(usage[0].registers == 40);
}

std::vector<Usage> usage_in(const char* list_of_objects) {
  std::vector<Usage> all;
  std::istringstream objects(text_of(list_of_objects));
  for (std::string object; std::getline(objects, object);)
    for (const Usage& usage : parse(text_of(object + ".ptxas"))) all.push_back(usage);
  return all;
}

TEST_CASE("a block of every kernel has the registers that its threads need") {
  std::set<std::string> seen;
  for (const Usage& usage : usage_in(BELLMAN_KERNEL_OBJECTS)) {
    CAPTURE(usage.kernel);
    CHECK(registers_of_block(usage) <= kRegisters);
    for (const auto& [part, threads] : kThreads)
      if (usage.kernel.find(part) != std::string::npos) seen.insert(part);
  }
  CHECK(seen.size() == kThreads.size());  // none of the names is of a kernel that is gone
}

TEST_CASE("compute-sanitizer finds registers that are free beside a block of the fused kernels") {
  const std::vector<Usage> usages = usage_in(BELLMAN_SANITIZER_OBJECTS);
  REQUIRE(usages.size() >= 4);  // fused and agent kernel, for two places of the target network
  for (const Usage& usage : usages) {
    CAPTURE(usage.kernel);
    CHECK(threads_of(usage.kernel) == 512);
    CHECK(registers_of_block(usage) <= kRegisters * 3 / 4);
  }
}

TEST_CASE("no kernel spills or uses local memory, on any architecture") {
  std::map<std::string, std::set<std::string>> kernels;  // by architecture
  for (const Usage& usage : usage_in(BELLMAN_KERNEL_OBJECTS)) {
    kernels[usage.architecture].insert(usage.kernel);
    CAPTURE(usage.architecture);
    CAPTURE(usage.kernel);
    CHECK(usage.stack >= 0);
    CHECK(usage.stack <= allowed_stack(usage.kernel));
    CHECK(usage.spill_stores == 0);
    CHECK(usage.spill_loads == 0);
    CHECK(usage.registers > 0);
  }
  REQUIRE(!kernels.empty());
  for (const auto& [architecture, names] : kernels) {
    CAPTURE(architecture);
    CHECK(names == kernels.begin()->second);  // each kernel for each architecture
    CHECK(names.size() >= 40);                // they were found at all
  }
}

}  // namespace
}  // namespace bellman::test
