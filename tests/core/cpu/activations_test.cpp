#include <limits>
#include <string>

#include "core/reference/reference_backend.h"
#include "tests/core/cpu/sizes.h"
#include "tests/support/backends.h"
#include "tests/support/not_finite.h"
#include "tests/support/op_run.h"

namespace bellman::test {
namespace {

constexpr float kSlope = 0.01F;

constexpr Activation kLeaky(Activation::kLeakyRelu, double(kSlope));

template <class T>
Outputs forward(BasicBackend<T>& backend, Activation f, const Numbers& x) {
  OpRun<T> run(backend);
  backend.activation_forward(run.out(x.shape()), run.in(x), f);
  return run.outputs();
}

/// `kept` is y of the forward pass, or x.
template <class T>
Outputs backward(BasicBackend<T>& backend, Activation f, const Numbers& dy, const Numbers& kept) {
  OpRun<T> run(backend);
  backend.activation_backward(run.out(dy.shape()), run.in(dy), run.in(kept), f);
  return run.outputs();
}

void check_activation(const std::vector<NamedBackend>& backends, const ActivationInfo& info,
                      const Shape& shape) {
  INFO(std::string(info.name), " of shape ", shape);
  const Activation activation(info.kind, info.kind == Activation::kLeakyRelu ? kLeaky.parameter : info.usual);
  RandomSequence random = test_sequence(13);
  const Numbers x = random_tensor<float>(random, shape, -10, 10);
  const Numbers dy = random_tensor<float>(random, shape);
  // An activation's y lies within its range; an x, where it bends.
  const double low = info.kind == Activation::kSigmoid ? 0 : -1;
  const Numbers kept = info.keeps_output ? random_tensor<float>(random, shape, low, 1) : x;

  ReferenceBackend<double> definition;
  const Outputs y = forward(definition, activation, x), dx = backward(definition, activation, dy, kept);
  Outputs y_scale = y, dx_scale = {{}};
  if (info.kind == Activation::kGelu ||
      info.kind == Activation::kGeluTanh)  // x times a share that is good to 1
    y_scale[0].assign(x.values().begin(), x.values().end());
  for (double& value : y_scale[0]) value = std::abs(value);
  for (float d : dy.values()) dx_scale[0].push_back(2 * std::abs(d));  // |dy| (1 + y^2) and the like

  // exp and tanh are good to a few units in the last place; the rectifiers round once, or not at all.
  const bool smooth = info.kind != Activation::kRelu && info.kind != Activation::kLeakyRelu;
  for_each_backend(backends, [&](Backend& backend) {
    check_output(forward(backend, activation, x), y, y_scale, 0, smooth ? 4 : 0.5);
    check_output(backward(backend, activation, dy, kept), dx, dx_scale, 0, smooth ? 1.5 : 0.5);
  });
}

TEST_CASE("activations are their definitions for sizes on both sides of a vector") {
  const std::vector<NamedBackend> backends = float_backends();
  for (const ActivationInfo& info : kActivations)
    for (Index rows : kSizes)
      for (Index columns : kSizes) check_activation(backends, info, {rows, columns});
}

TEST_CASE("activations are their definitions where threads share the work") {
  for (const ActivationInfo& info : kActivations) check_activation(float_backends(), info, {3, 2, 11, 2003});
}

TEST_CASE("activations of zero, of very large numbers and of NaN") {
  const Numbers x({7}, {0.0F, -0.0F, 200.0F, -200.0F, kInfinityF, -kInfinityF, kNanF});
  for_each_backend(float_backends(), [&](Backend& backend) {
    const auto relu = forward(backend, Activation::kRelu, x)[0];
    const auto leaky = forward(backend, kLeaky, x)[0];
    const auto tanh = forward(backend, Activation::kTanh, x)[0];
    const auto sigmoid = forward(backend, Activation::kSigmoid, x)[0];
    const double infinity = std::numeric_limits<double>::infinity();
    const std::vector<double> expected_relu = {0, 0, 200, 0, infinity, 0};
    const std::vector<double> expected_leaky = {0, 0, 200, double(-200 * kSlope), infinity, -infinity};
    const std::vector<double> expected_tanh = {0, 0, 1, -1, 1, -1};
    const std::vector<double> expected_sigmoid = {0.5, 0.5, 1, 0, 1, 0};
    for (std::size_t i = 0; i < 6; ++i) {
      INFO("x ", x[i]);
      CHECK(relu[i] == expected_relu[i]);
      CHECK(leaky[i] == expected_leaky[i]);
      CHECK(std::abs(tanh[i] - expected_tanh[i]) <= 1e-7);
      CHECK(std::abs(sigmoid[i] - expected_sigmoid[i]) <= 1e-37);
    }
    CHECK(std::isnan(leaky[6]));
    CHECK(std::isnan(tanh[6]));
    CHECK(std::isnan(sigmoid[6]));
  });
}

TEST_CASE("the derivative of a rectifier at zero") {
  const Numbers dy({3}, {5.0F, 5.0F, 5.0F}), zero({3}, {0.0F, -0.0F, 1.0F});
  for_each_backend(float_backends(), [&](Backend& backend) {
    CHECK(backward(backend, Activation::kRelu, dy, zero)[0] == std::vector<double>{0, 0, 5});
    CHECK(backward(backend, kLeaky, dy, zero)[0] ==
          std::vector<double>{double(5 * kSlope), double(5 * kSlope), 5});
  });
}

}  // namespace
}  // namespace bellman::test
