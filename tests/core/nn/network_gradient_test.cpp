// Whole networks against finite differences, in double.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "core/nn/gradient_check.h"
#include "core/nn/initialisers.h"
#include "core/nn/network.h"
#include "core/reference/reference_backend.h"
#include "tests/support/gradcheck.h"

namespace bellman::test {
namespace {

struct GradientCase {
  std::string text;
  Shape input;
  std::uint64_t seed;  // chosen so that no rectifier and no pooling window has a kink within a nudge
};

// Each layer in the middle of a network, where gradients come from above and go on below.
const GradientCase kGradientCases[] = {
    {"dense 7, relu, dense 6, relu, dense 3", {5}, 1},
    {"dense 7, leaky_relu 0.2, dense 6, tanh, dense 5, sigmoid, dense 3", {5}, 1},
    {"dense 7, layer_norm, relu, dense 6, layer_norm, dense 2", {5}, 1},
    {"conv 3 3x3 padding 1, relu, max_pool 2x2, conv 4 2x3 stride 2x1, tanh, flatten, dense 5, relu, dense 3",
     {2, 6, 8},
     1},
    {"conv 2 3x2 stride 2 padding 1x0, sigmoid, max_pool 3x3 stride 1 padding 1, leaky_relu, flatten, "
     "dueling 3",
     {2, 7, 6},
     1},
    {"dense 7, relu, dueling 3", {5}, 1},
    {"dense 7, relu, dueling 4 hidden 6", {5}, 1},
    {"dueling 3 hidden 5, tanh, dueling 2", {5}, 1},
    {"flatten, relu, dense 4, tanh", {2, 3, 2}, 1},
    {"tanh, sigmoid", {5}, 1},
    {"dense 7, gelu, dense 6, gelu_tanh, dense 3", {5}, 1},
    {"conv 3 3x3 padding 1, silu, flatten, dense 6, silu, dense 3", {2, 4, 5}, 1},
};

/// A network with random parameters and inputs, and the loss L = sum_i dy[i] y[i].
class Fixture {
 public:
  static constexpr Index kBatch = 3;

  explicit Fixture(const GradientCase& c)
      : network_(c.text, c.input),
        parameters_(backend_, network_.layout()),
        workspace_(backend_, network_, kBatch + 2, true) {
    RandomSequence random({c.seed, Purpose::kTest, 1});
    for (std::size_t i = 0; i < network_.parameters().size(); ++i) {
      // Of one size whatever the role: biases and gains that are not 0 and 1 find more mistakes.
      const double size = 1.5 / std::sqrt(static_cast<double>(network_.parameters()[i].fan_in));
      for (double& p : parameters_[i].host()) p = random.uniform(-size, size);
    }
    for (double& x : input().host()) x = random.uniform(-2, 2);
    dy_ = random_tensor(random, network_.output_shape().with_batch(kBatch));
  }

  TensorView<double> input() const { return workspace_.activation(0, kBatch); }
  double loss() {
    const TensorView<const double> y = network_.forward(backend_, workspace_, parameters_, kBatch);
    return std::inner_product(y.host().begin(), y.host().end(), dy_.values().begin(), 0.0);
  }
  void backward(const BasicArena<double>& gradients, bool with_input_gradient) {
    loss();
    const TensorView<double> dy = workspace_.d_activation(network_.layers(), kBatch);
    std::copy(dy_.values().begin(), dy_.values().end(), dy.data());
    network_.backward(backend_, workspace_, parameters_, gradients, kBatch, with_input_gradient);
  }

  ReferenceBackend<double> backend_;
  BasicNetwork<double> network_;
  BasicArena<double> parameters_;
  BasicWorkspace<double> workspace_;
  HostTensor<double> dy_;
};

void check(const std::string& name, Fixture& fixture, std::span<double> values,
           std::span<const double> analytic) {
  CAPTURE(name);
  const GradientCheck found = bellman::check_gradient([&] { return fixture.loss(); }, values, analytic);
  INFO("element ", found.index, ": ", found.analytic, ", by differences ", found.numeric);
  CHECK(found.compared == static_cast<Index>(values.size()));
  CHECK(found.kinks == 0);
  CHECK(found.relative_error <= kGradientTolerance);
}

TEST_CASE("every gradient of a network agrees with finite differences") {
  for (const GradientCase& c : kGradientCases) {
    CAPTURE(c.text);
    Fixture fixture(c);
    const BasicArena<double> gradients(fixture.backend_, fixture.network_.layout());
    fixture.backward(gradients, true);
    const TensorView<double> dx = fixture.workspace_.d_activation(0, Fixture::kBatch);
    const std::vector<double> input_gradient(dx.host().begin(), dx.host().end());
    for (std::size_t i = 0; i < fixture.network_.parameters().size(); ++i)
      check(fixture.network_.parameters()[i].name, fixture, fixture.parameters_[i].host(),
            gradients[i].host());
    check("input", fixture, fixture.input().host(), input_gradient);
  }
}

TEST_CASE("backward adds to the gradients, and the input's gradient is computed only when asked for") {
  for (const GradientCase& c : kGradientCases) {
    CAPTURE(c.text);
    Fixture fixture(c);
    const BasicArena<double> once(fixture.backend_, fixture.network_.layout());
    const BasicArena<double> twice(fixture.backend_, fixture.network_.layout());
    fixture.backward(once, true);

    const TensorView<double> dx = fixture.workspace_.d_activation(0, Fixture::kBatch);
    fixture.backend_.fill(dx, 77.0);
    fixture.backward(twice, false);
    CHECK(std::all_of(dx.host().begin(), dx.host().end(), [](double d) { return d == 77.0; }));

    for (std::size_t i = 0; i < once.flat().host().size(); ++i)
      REQUIRE(once.flat().host()[i] == twice.flat().host()[i]);
    fixture.backward(twice, false);
    for (std::size_t i = 0; i < once.flat().host().size(); ++i)
      REQUIRE(twice.flat().host()[i] == doctest::Approx(2 * once.flat().host()[i]).epsilon(1e-12));
  }
}

TEST_CASE("backward ends at the first layer with parameters") {
  // Nothing below the dense layer has parameters: its dx is not needed.
  Fixture fixture({"tanh, flatten, dense 4, relu, dense 2", {1, 2, 2}, 3});
  const BasicArena<double> gradients(fixture.backend_, fixture.network_.layout());
  for (std::size_t i = 0; i <= 2; ++i)
    fixture.backend_.fill(fixture.workspace_.d_activation(i, Fixture::kBatch), 77.0);
  fixture.backward(gradients, false);
  for (std::size_t i = 0; i <= 2; ++i)
    for (double d : fixture.workspace_.d_activation(i, Fixture::kBatch).host()) REQUIRE(d == 77.0);
  CHECK(std::any_of(gradients[0].host().begin(), gradients[0].host().end(), [](double g) { return g != 0; }));
}

TEST_CASE("a sample's results do not depend on the others of its batch") {
  for (const GradientCase& c : kGradientCases) {
    CAPTURE(c.text);
    Fixture fixture(c);
    fixture.loss();
    const TensorView<double> y = fixture.workspace_.activation(fixture.network_.layers(), Fixture::kBatch);
    const std::vector<double> together(y.host().begin(), y.host().end());
    const std::vector<double> inputs(fixture.input().host().begin(), fixture.input().host().end());
    const std::size_t in = inputs.size() / Fixture::kBatch, out = together.size() / Fixture::kBatch;
    for (std::size_t n = 0; n < Fixture::kBatch; ++n) {
      std::copy_n(inputs.begin() + static_cast<std::ptrdiff_t>(n * in), in,
                  fixture.workspace_.activation(0, 1).data());
      const TensorView<const double> alone =
          fixture.network_.forward(fixture.backend_, fixture.workspace_, fixture.parameters_, 1);
      for (std::size_t i = 0; i < out; ++i) REQUIRE(alone.host()[i] == together[n * out + i]);
    }
  }
}

}  // namespace
}  // namespace bellman::test
