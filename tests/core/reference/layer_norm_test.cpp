#include <cmath>
#include <string>

#include <doctest/doctest.h>

#include "core/reference/layers.h"
#include "core/reference/reference_backend.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"
#include "tests/support/gradcheck.h"

namespace bellman::test {
namespace {

TEST_CASE("layer_norm: finite differences in x, gamma and beta") {
  ReferenceBackend<double> ops;
  RandomSequence random = test_sequence(7);
  for (const auto& [shape, epsilon] :
       {std::pair<Shape, double>{{3, 6}, 1e-5}, {{2, 2}, 0.1}, {{2, 17}, 1e-5}}) {
    auto x = random_tensor(random, shape);
    auto gamma = random_tensor(random, {shape[1]}), beta = random_tensor(random, {shape[1]});
    const auto dy = random_tensor(random, shape);
    HostTensor<double> y(shape), mean({shape[0]}), rstd({shape[0]});
    HostTensor<double> dx(shape), dgamma({shape[1]}), dbeta({shape[1]});
    const auto loss = [&, epsilon = epsilon] {
      ops.layer_norm_forward(y, mean, rstd, x, gamma, beta, epsilon);
      return dot(dy, y);
    };
    loss();
    ops.layer_norm_backward(dx, dgamma, dbeta, dy, x, gamma, mean, rstd);
    check_gradient("x", loss, x, dx);
    check_gradient("gamma", loss, gamma, dgamma);
    check_gradient("beta", loss, beta, dbeta);
  }
}

TEST_CASE("layer_norm agrees with PyTorch") {
  ReferenceBackend<double> ops;
  const Golden golden("golden_ops");
  for (const std::string& name : golden.keys("layer_norm")) {
    const std::string at = "layer_norm." + name + ".";
    INFO(at);
    const auto &x = golden[at + "x"], &gamma = golden[at + "gamma"], &beta = golden[at + "beta"];
    HostTensor<double> y(x.shape()), mean({x.shape()[0]}), rstd({x.shape()[0]});
    HostTensor<double> dx(x.shape()), dgamma(gamma.shape()), dbeta(beta.shape());
    ops.layer_norm_forward(y, mean, rstd, x, gamma, beta, golden.number(at + "epsilon"));
    ops.layer_norm_backward(dx, dgamma, dbeta, golden[at + "dy"], x, gamma, mean, rstd);
    check_golden(y, golden[at + "y"]);
    check_golden(dx, golden[at + "dx"]);
    check_golden(dgamma, golden[at + "dgamma"]);
    check_golden(dbeta, golden[at + "dbeta"]);
  }
}

TEST_CASE("layer_norm_backward adds to dgamma and dbeta, overwrites dx, and skips a dx that is no tensor") {
  ReferenceBackend<double> ops;
  RandomSequence random = test_sequence(8);
  const auto x = random_tensor(random, {3, 4}), dy = random_tensor(random, {3, 4});
  const auto gamma = random_tensor(random, {4}), beta = random_tensor(random, {4});
  HostTensor<double> y({3, 4}), mean({3}), rstd({3});
  ops.layer_norm_forward(y, mean, rstd, x, gamma, beta, 1e-5);
  HostTensor<double> dx({3, 4}), dgamma({4}), dbeta({4});
  ops.layer_norm_backward(dx, dgamma, dbeta, dy, x, gamma, mean, rstd);

  HostTensor<double> dx_again({3, 4}, 7.0), dgamma_again({4}, 10.0), dbeta_again({4}, 20.0);
  ops.layer_norm_backward(dx_again, dgamma_again, dbeta_again, dy, x, gamma, mean, rstd);
  CHECK(dx_again.values() == dx.values());
  check_added(dgamma_again, 10.0, dgamma);
  check_added(dbeta_again, 20.0, dbeta);

  HostTensor<double> dgamma_alone({4}), dbeta_alone({4});
  ops.layer_norm_backward({}, dgamma_alone, dbeta_alone, dy, x, gamma, mean, rstd);
  CHECK(dgamma_alone.values() == dgamma.values());
  CHECK(dbeta_alone.values() == dbeta.values());
}

TEST_CASE("layer_norm by hand: a row, the same row far away, and a row of equal numbers") {
  ReferenceBackend<double> ops;
  // Mean 2, variance (4 + 0 + 4) / 3 + epsilon, chosen so that rstd is 1/2.
  const double epsilon = 4 - 8.0 / 3;
  const double far = 0x1p40;
  const HostTensor<double> x({3, 3}, {0, 2, 4, far, far + 2, far + 4, 5, 5, 5});
  const HostTensor<double> gamma({3}, {1, 10, 3}), beta({3}, {0, 7, 1});
  HostTensor<double> y({3, 3}), mean({3}), rstd({3});
  ops.layer_norm_forward(y, mean, rstd, x, gamma, beta, epsilon);
  check_golden(y, HostTensor<double>({3, 3}, {-1, 7, 4, -1, 7, 4, 0, 7, 1}));
  check_golden(mean, HostTensor<double>({3}, {2, far + 2, 5}));
  check_golden(rstd, HostTensor<double>({3}, {0.5, 0.5, 1 / std::sqrt(epsilon)}));
}

}  // namespace
}  // namespace bellman::test
