// What ptxas made of every kernel in the plugin, for every architecture in it: registers that did not suffice
// would be spilled to local memory, which lies in the GPU's slow memory and which no kernel of ours may use,
// but for those that are named here with their reason.
#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

namespace bellman::test {
namespace {

/// Kernels, by a part of their name, that may use so many bytes of stack a thread.
const std::map<std::string, int> kAllowedStack = {};

struct Usage {
  std::string architecture, kernel;
  int registers = 0, stack = 0, local = 0;
};

std::string output_of(const std::string& command) {
  const auto close = [](FILE* pipe) { pclose(pipe); };
  const std::unique_ptr<FILE, decltype(close)> pipe(popen(command.c_str(), "r"), close);
  REQUIRE(pipe);
  std::string output;
  std::array<char, 4096> part;
  while (std::fgets(part.data(), part.size(), pipe.get())) output += part.data();
  return output;
}

/// "arch = sm_90" ... " Function NAME:" then "  REG:40 STACK:0 SHARED:0 LOCAL:0 CONSTANT[0]:..."
std::vector<Usage> parse(const std::string& report) {
  static const std::regex arch(R"(arch = (sm_\d+))"), function(R"(^ Function (\S+):)"),
      usage(R"(REG:(\d+) STACK:(\d+) .*LOCAL:(\d+))");
  std::vector<Usage> all;
  std::istringstream lines(report);
  std::string line, architecture, kernel;
  std::smatch found;
  while (std::getline(lines, line)) {
    if (std::regex_search(line, found, arch)) architecture = found[1];
    if (std::regex_search(line, found, function)) kernel = found[1];
    if (std::regex_search(line, found, usage))
      all.push_back({architecture, kernel, std::stoi(found[1]), std::stoi(found[2]), std::stoi(found[3])});
  }
  return all;
}

int allowed_stack(const std::string& kernel) {
  for (const auto& [part, bytes] : kAllowedStack)
    if (kernel.find(part) != std::string::npos) return bytes;
  return 0;
}

TEST_CASE("the report's lines are read") {
  const std::vector<Usage> usage = parse(
      "arch = sm_90\n Function _Z3fooPf:\n  REG:40 STACK:16 SHARED:0 LOCAL:8 CONSTANT[0]:556 TEXTURE:0\n");
  REQUIRE(usage.size() == 1);
  CHECK(usage[0].architecture == "sm_90");
  CHECK(usage[0].kernel == "_Z3fooPf");
  CHECK(usage[0].registers == 40);
  CHECK(usage[0].stack == 16);
  CHECK(usage[0].local == 8);
}

TEST_CASE("no kernel spills or uses local memory, on any architecture") {
  const std::vector<Usage> usage =
      parse(output_of("'" BELLMAN_CUOBJDUMP "' --dump-resource-usage '" BELLMAN_PLUGIN "' 2>&1"));
  std::set<std::string> architectures, kernels;
  for (const Usage& u : usage) {
    architectures.insert(u.architecture);
    kernels.insert(u.kernel);
    CAPTURE(u.architecture);
    CAPTURE(u.kernel);
    CHECK(u.stack <= allowed_stack(u.kernel));
    CHECK(u.local == 0);
    CHECK(u.registers <= 255);
  }
  CHECK(!architectures.empty());
  CHECK(kernels.size() >= 30);  // the plugin's kernels were found at all
}

}  // namespace
}  // namespace bellman::test
