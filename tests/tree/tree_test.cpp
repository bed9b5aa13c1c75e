// The project's sources keep the rules that no compiler checks. Each rule must first catch a planted violation.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/tree/source_tree.h"

namespace bellman::test {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += "\n  " + line;
  return all;
}

const SourceTree& project() {
  static const SourceTree tree = read_source_tree(BELLMAN_SOURCE_DIR);
  return tree;
}

/// A small project in which every rule holds.
SourceTree small_project() {
  return {{"core/base/check.h", "#include <string>\n"},
          {"core/nn/network.h", "#include \"core/base/check.h\"\n"},
          {"core/cpu/eigen_map.h", "#include <Eigen/Core>\n"},
          {"core/cpu/dense.cpp", "#include \"core/cpu/eigen_map.h\"\n"},
          {"core/cpu/cpu_backend.h", "#include \"core/nn/network.h\"\n"},
          {"envs/env.h", "#include \"core/base/check.h\"\n"},
          {"envs/control/cartpole_step.h", "#include <cmath>\n"},
          {"rl/train/trainer.h", "#include \"core/nn/network.h\"\n"},
          {"rl/train/trainer.cpp", "#include \"rl/train/trainer.h\"\n#include \"envs/env.h\"\n"},
          {"cuda/backend/make_cuda_backend.h", "#include \"core/nn/network.h\"\n"},
          {"cuda/ops/dense.cu", "#include <cuda_runtime.h>\n#include \"envs/control/cartpole_step.h\"\n"},
          {"rl/replay/sum_tree.h", "#include \"core/base/check.h\"\n"},
          {"apps/sweep/plan.h", "#include \"rl/train/trainer.h\"\n"},
          {"apps/commands/main.cpp", "#include <CLI/CLI.hpp>\n#include \"rl/train/trainer.h\"\n"}};
}

/// The small project with one line more in one file.
std::vector<std::string> broken_with(const std::string& path, const std::string& line) {
  SourceTree tree = small_project();
  tree[path] += line + "\n";
  return broken_include_rules(tree);
}

TEST_CASE("the source tree is read whole") {
  CHECK(project().contains("CMakeLists.txt"));
  CHECK(project().contains("core/base/tensor.h"));
  CHECK(project().contains("tests/tree/tree_test.cpp"));
  for (const auto& [path, text] : project()) {
    CHECK_FALSE(path.starts_with("build/"));
    CHECK_FALSE(path.starts_with(".git/"));
  }
}

TEST_CASE("the include rules catch every planted violation") {
  CHECK_MESSAGE(broken_include_rules(small_project()).empty(), joined(broken_include_rules(small_project())));

  const std::vector<std::pair<std::string, std::string>> violations = {
      {"core/nn/network.h", "#include \"envs/env.h\""},
      {"core/nn/network.h", "#include \"rl/train/trainer.h\""},
      {"core/nn/network.h", "#include <Eigen/Core>"},
      {"core/nn/network.h", "  #  include  <unsupported/Eigen/CXX11/Tensor>"},
      {"core/nn/network.h", "#include \"core/cpu/eigen_map.h\""},
      {"core/nn/network.h", "#include <nlohmann/json.hpp>"},
      {"core/nn/network.h", "#include <nlohmann/json_fwd.hpp>"},
      {"apps/run/report.h", "#include <nlohmann/json.hpp>"},
      {"core/nn/network.h", "#include \"check.h\""},
      {"core/nn/network.h", "#include <core/base/check.h>"},
      {"core/cpu/dense.cpp", "#include <cuda_runtime.h>"},
      {"core/cpu/dense.cpp", "#include <toml++/toml.h>"},
      {"core/base/check.h", "#include \"core/nn/network.h\""},
      {"rl/replay/sum_tree.h", "#include \"rl/train/trainer.h\""},
      {"apps/sweep/plan.h", "#include \"apps/commands/main.cpp\""},
      {"envs/env.h", "#include \"core/nn/network.h\""},
      {"envs/env.h", "#include \"rl/train/trainer.h\""},
      {"rl/train/trainer.h", "#include \"cuda/backend/make_cuda_backend.h\""},
      {"rl/train/trainer.h", "#include <cublas_v2.h>"},
      {"rl/train/trainer.cpp", "#include \"core/cpu/eigen_map.h\""},
      {"cuda/ops/dense.cu", "#include \"envs/env.h\""},
      {"cuda/backend/make_cuda_backend.h", "#include <cuda_runtime_api.h>"},
      {"apps/commands/main.cpp", "#include <cuda.h>"},
      {"examples/train.cpp", "#include \"core/base/check.h\""},
      {"plugins/new.cpp", "#include \"core/base/check.h\""},
      {"envs/env.cpp", "#include <string>\n#include \"envs/env.h\""},
  };
  for (const auto& violation : violations) {
    const std::string &path = violation.first, &line = violation.second;
    CAPTURE(path);
    CAPTURE(line);
    const std::vector<std::string> broken = broken_with(path, line);
    CHECK(std::any_of(broken.begin(), broken.end(),
                      [&](const auto& report) { return report.starts_with(path); }));
  }
}

TEST_CASE("Eigen is found behind a chain of headers") {
  SourceTree tree = small_project();
  tree["core/cpu/outer.h"] = "#include \"core/cpu/eigen_map.h\"\n";
  tree["core/cpu/circle.h"] = "#include \"core/cpu/circle.h\"\n#include \"core/cpu/outer.h\"\n";
  CHECK(broken_include_rules(tree).empty());
  tree["rl/train/trainer.cpp"] += "#include \"core/cpu/circle.h\"\n";
  REQUIRE(broken_include_rules(tree).size() == 1);
  CHECK(broken_include_rules(tree).front() ==
        "rl/train/trainer.cpp:3: includes core/cpu/circle.h, through which Eigen comes");
}

TEST_CASE("the include rules hold") {
  const std::vector<std::string> broken = broken_include_rules(project());
  CHECK_MESSAGE(broken.empty(), joined(broken));
}

TEST_CASE("every kernel states how many threads its blocks have") {
  CHECK(kernels_without_bounds({{"cuda/a.cu",
                                 "__global__ void __launch_bounds__(32) a_kernel() {}\n"
                                 "template <class T>\n__global__ void\n    b_kernel(T* x) {}\n"},
                                {"cuda/c.cuh", "__global__ void c_kernel(int n) {}"}}) ==
        std::vector<std::string>{"cuda/a.cu: b_kernel", "cuda/c.cuh: c_kernel"});
  const std::vector<std::string> found = kernels_without_bounds(project());
  CHECK_MESSAGE(found.empty(), joined(found));
}

TEST_CASE("machine traces are caught where they are planted") {
  const std::string home = std::string("/ho") + "me/ada/data";
  const std::string registry = std::string("pypi") + ".org";
  CHECK(machine_traces({{"a.md", "see " + home}}).size() == 1);
  CHECK(machine_traces({{"a.md", home + "\nfine\n\"" + home + "\""}}).size() == 2);
  CHECK(machine_traces({{"a.sh", "pip install --index-url https://" + registry + "/simple x"}}).size() == 1);
  CHECK(machine_traces({{"a.md", "docs" + home + ", https://example.org" + home + ", ${ROOT}" + home}})
            .empty());
  CHECK(machine_traces({{"a.py", "#!/usr/bin/env python3\nopen('/dev/full')\n"}}).empty());
}

TEST_CASE("no file names a place on a machine or a package registry") {
  const std::vector<std::string> traces = machine_traces(project());
  CHECK_MESSAGE(traces.empty(), joined(traces));
}

}  // namespace
}  // namespace bellman::test
