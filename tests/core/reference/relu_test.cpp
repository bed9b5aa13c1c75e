#include "core/reference/relu.h"

#include <vector>

#include <doctest/doctest.h>

#include "core/reference/reference_backend.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"
#include "tests/support/gradcheck.h"

namespace bellman::test {
namespace {

TEST_CASE("relu: finite differences in x") {
  ReferenceBackend<double> ops;
  RandomSequence random = test_sequence(6);
  auto x = random_tensor_away_from_zero(random, {3, 11});
  const auto dy = random_tensor(random, x.shape());
  HostTensor<double> y(x.shape()), dx(x.shape(), 7.0);  // overwritten
  ops.relu_forward(y, x);
  ops.relu_backward(dx, dy, y);
  const auto loss = [&] {
    ops.relu_forward(y, x);
    return dot(dy, y);
  };
  check_gradient("x", loss, x, dx);
}

TEST_CASE("relu agrees with PyTorch") {
  ReferenceBackend<double> ops;
  const Golden golden("golden_ops");
  const auto& x = golden["relu.x"];
  HostTensor<double> y(x.shape()), dx(x.shape());
  ops.relu_forward(y, x);
  ops.relu_backward(dx, golden["relu.dy"], y);
  check_golden(y, golden["relu.y"]);
  check_golden(dx, golden["relu.dx"]);
}

TEST_CASE("relu: the derivative at 0 is 0") {
  ReferenceBackend<double> ops;
  const HostTensor<double> x({4}, {-2, 0, -0.0, 3}), dy({4}, 5.0);
  HostTensor<double> y({4}), dx({4});
  ops.relu_forward(y, x);
  ops.relu_backward(dx, dy, y);
  CHECK(y.values() == std::vector<double>{0, 0, 0, 3});
  CHECK(dx.values() == std::vector<double>{0, 0, 0, 5});
}

}  // namespace
}  // namespace bellman::test
