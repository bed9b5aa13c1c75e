#include <string>

#include <doctest/doctest.h>

#include "core/reference/layers.h"
#include "core/reference/reference_backend.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"
#include "tests/support/gradcheck.h"

namespace bellman::test {
namespace {

TEST_CASE("dueling: finite differences in v and a") {
  ReferenceBackend<double> ops;
  RandomSequence random = test_sequence(9);
  for (const Index actions : {1, 2, 5}) {
    auto v = random_tensor(random, {3, 1}), a = random_tensor(random, {3, actions});
    const auto dq = random_tensor(random, a.shape());
    HostTensor<double> q(a.shape()), dv(v.shape(), 7.0), da(a.shape(), 7.0);  // overwritten
    ops.dueling_backward(dv, da, dq);
    const auto loss = [&] {
      ops.dueling_forward(q, v, a);
      return dot(dq, q);
    };
    check_gradient("v", loss, v, dv);
    check_gradient("a", loss, a, da);
  }
}

TEST_CASE("dueling agrees with PyTorch") {
  ReferenceBackend<double> ops;
  const Golden golden("golden_ops");
  for (const std::string& name : golden.keys("dueling")) {
    const std::string at = "dueling." + name + ".";
    INFO(at);
    const auto &v = golden[at + "v"], &a = golden[at + "a"];
    HostTensor<double> q(a.shape()), dv(v.shape()), da(a.shape());
    ops.dueling_forward(q, v, a);
    ops.dueling_backward(dv, da, golden[at + "dy"]);
    check_golden(q, golden[at + "y"]);
    check_golden(dv, golden[at + "dv"]);
    check_golden(da, golden[at + "da"]);
  }
}

TEST_CASE("dueling: the mean's gradient reaches every advantage") {
  ReferenceBackend<double> ops;
  const HostTensor<double> dq({1, 4}, {0, 8, 0, 0});
  HostTensor<double> dv({1, 1}), da({1, 4});
  ops.dueling_backward(dv, da, dq);
  CHECK(dv.values() == std::vector<double>{8});
  CHECK(da.values() == std::vector<double>{-2, 6, -2, -2});
}

}  // namespace
}  // namespace bellman::test
