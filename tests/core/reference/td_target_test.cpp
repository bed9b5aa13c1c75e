#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/q_learning.h"
#include "core/reference/reference_backend.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"
#include "tests/support/host_tensor.h"

namespace bellman::test {
namespace {

TEST_CASE("td_target agrees with PyTorch, single and double") {
  ReferenceBackend<double> ops;
  const Golden golden("golden_ops");
  for (const std::string& name : golden.keys("td_target")) {
    const std::string at = "td_target." + name + ".";
    INFO(at);
    TensorView<const double> q_online;
    if (name == "double") q_online = golden[at + "q_online"];
    HostTensor<double> y({6}, 7.0);
    ops.td_target(y, {golden[at + "q_target"], q_online, golden[at + "reward"], golden[at + "discount"],
                      golden[at + "terminated"]});
    check_golden(y, golden[at + "y"]);
  }
}

TEST_CASE("Double DQN: arg max by the online network, value by the target network") {
  ReferenceBackend<double> ops;
  const HostTensor<double> q_target({2, 3}, {1, 20, 300, 1, 20, 300}), q_online({2, 3}, {9, 5, 5, 0, 4, 4});
  const HostTensor<double> reward({2}, {1000, 2000}), discount({2}, {0.5, 0.5}), terminated({2}, 0.0);
  HostTensor<double> y({2});
  ops.td_target(y, {q_target, q_online, reward, discount, terminated});
  CHECK(y.values() == std::vector<double>{1000.5, 2010});
  ops.td_target(y, {q_target, {}, reward, discount, terminated});
  CHECK(y.values() == std::vector<double>{1150, 2150});
}

TEST_CASE("Only terminated removes the bootstrap; n-step bootstraps with gamma^k") {
  ReferenceBackend<double> ops;
  const HostTensor<double> q_target({3, 2}, {8, 16, 8, 16, 8, 16});
  const HostTensor<double> reward({3}, {1, 1, 1}), discount({3}, {0.5, 0.125, 0.5}),
      terminated({3}, {0, 0, 1});
  HostTensor<double> y({3});
  ops.td_target(y, {q_target, {}, reward, discount, terminated});
  CHECK(y.values() == std::vector<double>{9, 3, 1});
}

}  // namespace
}  // namespace bellman::test
