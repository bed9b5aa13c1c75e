#include <cmath>
#include <limits>

#include "core/reference/reference_backend.h"
#include "tests/core/cpu/sizes.h"
#include "tests/support/backends.h"
#include "tests/support/op_run.h"

namespace bellman::test {
namespace {

struct Case {
  Index B, I, O;
  Activation activation;
  Numbers x, w, b;

  Case(Index batch, Index inputs, Index outputs, Activation f)
      : B(batch), I(inputs), O(outputs), activation(f) {
    RandomSequence random = test_sequence(31);
    x = random_tensor<float>(random, {B, I});
    w = random_tensor<float>(random, {O, I});
    b = random_tensor<float>(random, {O});
  }
};

constexpr Activation kActivations[] = {Activation::kRelu, Activation::kTanh, Activation::kSigmoid,
                                       Activation::kSilu};

/// z and y of the op.
Outputs together(Backend& backend, const Case& c) {
  OpRun<float> run(backend);
  const auto z = run.out(Shape{c.B, c.O}), y = run.out(Shape{c.B, c.O});
  backend.dense_activation_forward(z, y, run.in(c.x), run.in(c.w), run.in(c.b), c.activation);
  return run.outputs();
}

/// y of dense_forward.
Outputs dense_alone(Backend& backend, const Case& c) {
  OpRun<float> run(backend);
  backend.dense_forward(run.out(Shape{c.B, c.O}), run.in(c.x), run.in(c.w), run.in(c.b));
  return run.outputs();
}

double activated(Activation activation, double y) {
  switch (activation.kind) {
    case Activation::kRelu:
      return y > 0 ? y : 0;
    case Activation::kTanh:
      return std::tanh(y);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-y));
    case Activation::kSilu:  // no product's own op knows it
      return y / (1 + std::exp(-y));
    default:
      FAIL("this test does not know the function");
  }
  return y;
}

// y is that of dense_forward, bit by bit, which its own test holds against the definition; z is f of this y
// within a few roundings of its own.
void check_together(const std::vector<NamedBackend>& backends, const Case& c) {
  INFO("B ", c.B, ", I ", c.I, ", O ", c.O, ", activation ", int(c.activation.kind));
  for_each_backend(backends, [&](Backend& backend) {
    const Outputs out = together(backend, c);
    CHECK(out[1] == dense_alone(backend, c)[0]);
    std::vector<double> z;
    for (double y : out[1]) z.push_back(activated(c.activation, y));
    check_close<double, double>(out[0], z, 8 * std::numeric_limits<float>::epsilon());
  });
}

TEST_CASE("dense with an activation is dense, and the activation of it") {
  const std::vector<NamedBackend> backends = float_backends();
  for (Activation activation : kActivations)
    for (Index B : {1, 33})
      for (Index I : {1, 4, 65})
        for (Index O : kSizes) check_together(backends, Case(B, I, O, activation));
}

TEST_CASE("dense with an activation cuts a long sum in pieces and still adds all of it") {
  const std::vector<NamedBackend> backends = float_backends();
  for (Activation activation : kActivations) check_together(backends, Case(3, 1030, 37, activation));
}

TEST_CASE("dense with tanh or sigmoid carries a NaN and saturates at infinity") {
  for (Activation activation : {Activation::kTanh, Activation::kSigmoid}) {
    Case c(3, 5, 4, activation);
    c.x[1 * 5 + 2] = std::numeric_limits<float>::quiet_NaN();
    c.b[3] = std::numeric_limits<float>::infinity();
    for_each_backend(float_backends(), [&](Backend& backend) {
      const Outputs out = together(backend, c);
      for (std::size_t n = 0; n < 3; ++n)
        for (std::size_t o = 0; o < 4; ++o) CHECK(std::isnan(out[0][n * 4 + o]) == (n == 1));
      CHECK(out[0][3] == 1);
    });
  }
}

}  // namespace
}  // namespace bellman::test
