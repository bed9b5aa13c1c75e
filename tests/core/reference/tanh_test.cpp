#include "core/reference/tanh.h"

#include <vector>

#include <doctest/doctest.h>

#include "core/reference/reference_backend.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"
#include "tests/support/gradcheck.h"

namespace bellman::test {
namespace {

TEST_CASE("tanh: finite differences in x") {
  ReferenceBackend<double> ops;
  RandomSequence random = test_sequence(6);
  auto x = random_tensor(random, {3, 11});
  const auto dy = random_tensor(random, x.shape());
  HostTensor<double> y(x.shape()), dx(x.shape(), 7.0);  // overwritten
  ops.tanh_forward(y, x);
  ops.tanh_backward(dx, dy, y);
  const auto loss = [&] {
    ops.tanh_forward(y, x);
    return dot(dy, y);
  };
  check_gradient("x", loss, x, dx);
}

TEST_CASE("tanh agrees with PyTorch") {
  ReferenceBackend<double> ops;
  const Golden golden("golden_ops");
  const auto& x = golden["tanh.x"];
  HostTensor<double> y(x.shape()), dx(x.shape());
  ops.tanh_forward(y, x);
  ops.tanh_backward(dx, golden["tanh.dy"], y);
  check_golden(y, golden["tanh.y"]);
  check_golden(dx, golden["tanh.dx"]);
}

TEST_CASE("tanh: far out it is flat") {
  ReferenceBackend<double> ops;
  const HostTensor<double> x({3}, {-1000, 0, 1000}), dy({3}, 3.0);
  HostTensor<double> y({3}), dx({3});
  ops.tanh_forward(y, x);
  ops.tanh_backward(dx, dy, y);
  CHECK(y.values() == std::vector<double>{-1, 0, 1});
  CHECK(dx.values() == std::vector<double>{0, 3, 0});
}

}  // namespace
}  // namespace bellman::test
