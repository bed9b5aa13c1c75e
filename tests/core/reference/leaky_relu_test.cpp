#include "core/reference/leaky_relu.h"

#include <vector>

#include <doctest/doctest.h>

#include "core/reference/reference_backend.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"
#include "tests/support/gradcheck.h"

namespace bellman::test {
namespace {

TEST_CASE("leaky_relu: finite differences in x") {
  ReferenceBackend<double> ops;
  RandomSequence random = test_sequence(6);
  auto x = random_tensor_away_from_zero(random, {3, 11});
  const auto dy = random_tensor(random, x.shape());
  HostTensor<double> y(x.shape()), dx(x.shape(), 7.0);  // overwritten
  ops.leaky_relu_forward(y, x, 0.01);
  ops.leaky_relu_backward(dx, dy, x, 0.01);
  const auto loss = [&] {
    ops.leaky_relu_forward(y, x, 0.01);
    return dot(dy, y);
  };
  check_gradient("x", loss, x, dx);
}

TEST_CASE("leaky_relu agrees with PyTorch") {
  ReferenceBackend<double> ops;
  const Golden golden("golden_ops");
  const auto& x = golden["leaky_relu.x"];
  HostTensor<double> y(x.shape()), dx(x.shape());
  ops.leaky_relu_forward(y, x, 0.01);
  ops.leaky_relu_backward(dx, golden["leaky_relu.dy"], x, 0.01);
  check_golden(y, golden["leaky_relu.y"]);
  check_golden(dx, golden["leaky_relu.dx"]);
}

TEST_CASE("leaky_relu: at 0 the slope is that of the left side") {
  ReferenceBackend<double> ops;
  const HostTensor<double> x({3}, {-2, 0, 3}), dy({3}, 8.0);
  HostTensor<double> y({3}), dx({3});
  ops.leaky_relu_forward(y, x, 0.25);
  ops.leaky_relu_backward(dx, dy, x, 0.25);
  CHECK(y.values() == std::vector<double>{-0.5, 0, 3});
  CHECK(dx.values() == std::vector<double>{2, 2, 8});
}

}  // namespace
}  // namespace bellman::test
