#include "core/reference/reference_backend.h"
#include "tests/core/cpu/sizes.h"
#include "tests/support/backends.h"
#include "tests/support/op_run.h"

namespace bellman::test {
namespace {

constexpr float kEpsilon = 1e-5F;

struct LayerNorm {
  Index B, I;
  Numbers x, gamma, beta, dy, mean, rstd, dgamma, dbeta;

  LayerNorm(Index batch, Index inputs) : B(batch), I(inputs) {
    RandomSequence random = test_sequence(14);
    x = random_tensor<float>(random, {B, I}, -1, 3);
    gamma = random_tensor<float>(random, {I});
    beta = random_tensor<float>(random, {I});
    dy = random_tensor<float>(random, {B, I});
    mean = random_tensor<float>(random, {B}, 0, 2);
    rstd = random_tensor<float>(random, {B}, 0.5, 2);
    dgamma = random_tensor<float>(random, {I});
    dbeta = random_tensor<float>(random, {I});
  }
};

template <class T>
Outputs forward(BasicBackend<T>& backend, const LayerNorm& l) {
  OpRun<T> run(backend);
  const auto y = run.out(Shape{l.B, l.I}), mean = run.out(Shape{l.B}), rstd = run.out(Shape{l.B});
  backend.layer_norm_forward(y, mean, rstd, run.in(l.x), run.in(l.gamma), run.in(l.beta), T(kEpsilon));
  return run.outputs();
}

template <class T>
Outputs backward(BasicBackend<T>& backend, const LayerNorm& l, bool with_dx = true) {
  OpRun<T> run(backend);
  const auto dgamma = run.out(l.dgamma), dbeta = run.out(l.dbeta);
  const auto dx = run.out(Shape{l.B, l.I}, with_dx);
  backend.layer_norm_backward(dx, dgamma, dbeta, run.in(l.dy), run.in(l.x), run.in(l.gamma), run.in(l.mean),
                              run.in(l.rstd));
  return run.outputs();
}

// With u the unit roundoff and |x| <= X: the mean is off by at most I u X, so a difference x - mean by 2 I u
// X, and relative to the standard deviation s >= 1 / (2 rstd) by D = 2 I u X rstd. The variance is then off
// by 2 s^2 D, and xhat by D + |xhat| D, besides the roundings of xhat itself.
Outputs forward_scale(const LayerNorm& l, const Outputs& expected) {
  Outputs scale = {{}, std::vector<double>(static_cast<std::size_t>(l.B), 3.0), {}};
  for (std::size_t n = 0; n < std::size_t(l.B); ++n) {
    const double mean = expected[1][n], rstd = expected[2][n];
    scale[2].push_back(rstd * (1 + 4 * 3 * rstd));
    for (std::size_t i = 0; i < std::size_t(l.I); ++i) {
      const double xhat = std::abs((l.x[n * std::size_t(l.I) + i] - mean) * rstd);
      scale[0].push_back(std::abs(l.gamma[i]) * (2 * 3 * rstd * (1 + xhat) + xhat) + std::abs(l.beta[i]));
    }
  }
  return scale;
}

// Sums of magnitudes, with |xhat| taken as (|x| + |mean|) rstd: a rounding of x - mean is relative to these.
Outputs backward_scale(const LayerNorm& l) {
  const auto I = std::size_t(l.I);
  Outputs scale(3);
  for (std::size_t i = 0; i < I; ++i) {
    scale[0].push_back(std::abs(l.dgamma[i]));
    scale[1].push_back(std::abs(l.dbeta[i]));
  }
  for (std::size_t n = 0; n < std::size_t(l.B); ++n) {
    const double rstd = l.rstd[n];
    double sum_g = 0, sum_g_xhat = 0;
    const auto xhat = [&](std::size_t i) { return (std::abs(l.x[n * I + i]) + std::abs(l.mean[n])) * rstd; };
    const auto g = [&](std::size_t i) { return std::abs(double(l.dy[n * I + i]) * l.gamma[i]); };
    for (std::size_t i = 0; i < I; ++i) {
      scale[0][i] += std::abs(l.dy[n * I + i]) * xhat(i);
      scale[1][i] += std::abs(l.dy[n * I + i]);
      sum_g += g(i);
      sum_g_xhat += g(i) * xhat(i);
    }
    for (std::size_t i = 0; i < I; ++i)
      scale[2].push_back(rstd * (g(i) + sum_g / double(I) + xhat(i) * sum_g_xhat / double(I)));
  }
  return scale;
}

void check_layer_norm(const std::vector<NamedBackend>& backends, const LayerNorm& l) {
  INFO("B ", l.B, ", I ", l.I);
  ReferenceBackend<double> definition;
  const Outputs y = forward(definition, l), grad = backward(definition, l);
  const Outputs y_scale = forward_scale(l, y), grad_scale = backward_scale(l);
  for_each_backend(backends, [&](Backend& backend) {
    const Outputs actual_y = forward(backend, l), actual_grad = backward(backend, l);
    for (std::size_t i = 0; i < 3; ++i) check_output(actual_y, y, y_scale, i, double(l.I + 4));
    check_output(actual_grad, grad, grad_scale, 0, double(l.B + 3));
    check_output(actual_grad, grad, grad_scale, 1, double(l.B + 1));
    check_output(actual_grad, grad, grad_scale, 2, double(l.I + 6));
  });
}

TEST_CASE("layer_norm is its definition for sizes on both sides of a vector") {
  const std::vector<NamedBackend> backends = float_backends();
  for (Index B : kSizes)
    for (Index I : kSizes) check_layer_norm(backends, LayerNorm(B, I));
}

TEST_CASE("layer_norm is its definition where threads share the rows") {
  check_layer_norm(float_backends(), LayerNorm(128, 512));
}

TEST_CASE("layer_norm of equal numbers is beta") {
  LayerNorm l(2, 33);
  l.x = Numbers({2, 33}, 0.5F);
  for_each_backend(float_backends(), [&](Backend& backend) {
    const Outputs y = forward(backend, l);
    for (std::size_t i = 0; i < 66; ++i) CHECK(y[0][i] == l.beta[i % 33]);
  });
}

TEST_CASE("layer_norm without dx computes the same dgamma and dbeta") {
  const LayerNorm l(5, 33);
  for_each_backend(float_backends(), [&](Backend& backend) {
    const Outputs with = backward(backend, l), without = backward(backend, l, false);
    REQUIRE(without.size() == 2);
    CHECK(without[0] == with[0]);
    CHECK(without[1] == with[1]);
  });
}

}  // namespace
}  // namespace bellman::test
