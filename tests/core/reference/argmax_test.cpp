#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "core/reference/losses.h"
#include "core/reference/reference_backend.h"
#include "tests/support/golden.h"
#include "tests/support/host_tensor.h"

namespace bellman::test {
namespace {

TEST_CASE("argmax: a tie takes the smallest index") {
  ReferenceBackend<double> ops;
  const double infinity = std::numeric_limits<double>::infinity();
  const HostTensor<double> q({5, 3}, {1, 2, 3,     //
                                      3, 3, 1,     //
                                      -2, -1, -1,  //
                                      0, -0.0, 0,  //
                                      -infinity, -infinity, -infinity});
  HostTensor<std::int32_t> action({5}, 9);
  ops.argmax(action, q);
  CHECK(action.values() == std::vector<std::int32_t>{2, 0, 1, 0, 0});
}

TEST_CASE("argmax: with NaN in a row the answer is still an index of the row") {
  ReferenceBackend<double> ops;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const HostTensor<double> q({4, 2}, {nan, 1, 1, nan, nan, nan, 2, 1});
  HostTensor<std::int32_t> action({4}, 9);
  ops.argmax(action, q);
  for (const std::int32_t a : action.values()) CHECK((a == 0 || a == 1));
  CHECK(action[3] == 0);
}

TEST_CASE("argmax agrees with PyTorch") {
  ReferenceBackend<double> ops;
  const Golden golden("golden_ops");
  HostTensor<std::int32_t> action({6});
  ops.argmax(action, golden["td_target.single.q_target"]);
  CHECK(action.values() == golden.integers("td_target.single.best").values());
  ops.argmax(action, golden["td_target.double.q_online"]);
  CHECK(action.values() == golden.integers("td_target.double.best").values());
}

}  // namespace
}  // namespace bellman::test
