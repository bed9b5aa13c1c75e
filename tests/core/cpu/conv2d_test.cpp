#include <cmath>
#include <limits>

#include "core/reference/reference_backend.h"
#include "tests/support/backends.h"
#include "tests/support/op_run.h"

namespace bellman::test {
namespace {

struct Conv {
  Shape x_shape, w_shape, y_shape;
  Window window;
  Numbers x, w, b, dy, dw, db;

  Conv(const Shape& image, Index outputs, const Window& moves) : x_shape(image), window(moves) {
    w_shape = {outputs, image[1], window.kernel_h, window.kernel_w};
    y_shape = {image[0], outputs, window.output_h(image[2]), window.output_w(image[3])};
    RandomSequence random = test_sequence(12);
    x = random_tensor<float>(random, x_shape);
    w = random_tensor<float>(random, w_shape);
    b = random_tensor<float>(random, {outputs});
    dy = random_tensor<float>(random, y_shape);
    dw = random_tensor<float>(random, w_shape);
    db = random_tensor<float>(random, {outputs});
  }
  Conv positive() const {
    Conv c = *this;
    for (Numbers* t : {&c.x, &c.w, &c.b, &c.dy, &c.dw, &c.db}) *t = magnitudes(*t);
    return c;
  }
};

template <class T>
Outputs forward(BasicBackend<T>& backend, const Conv& c) {
  OpRun<T> run(backend);
  const auto scratch = run.scratch(backend.conv2d_scratch(c.x_shape, c.w_shape, c.window));
  backend.conv2d_forward(run.out(c.y_shape), run.in(c.x), run.in(c.w), run.in(c.b), c.window, scratch);
  return run.outputs();
}

/// z and y of the convolution with an activation.
Outputs with_activation(Backend& backend, const Conv& c, Activation activation) {
  OpRun<float> run(backend);
  const auto z = run.out(c.y_shape), y = run.out(c.y_shape);
  const auto scratch = run.scratch(backend.conv2d_scratch(c.x_shape, c.w_shape, c.window));
  backend.conv2d_activation_forward(z, y, run.in(c.x), run.in(c.w), run.in(c.b), c.window, activation,
                                    scratch);
  return run.outputs();
}

template <class T>
Outputs backward(BasicBackend<T>& backend, const Conv& c, bool with_dx = true) {
  OpRun<T> run(backend);
  const auto dw = run.out(c.dw), db = run.out(c.db);
  const auto dx = run.out(c.x_shape, with_dx);
  const auto scratch = run.scratch(backend.conv2d_scratch(c.x_shape, c.w_shape, c.window));
  backend.conv2d_backward(dx, dw, db, run.in(c.dy), run.in(c.x), run.in(c.w), c.window, scratch);
  return run.outputs();
}

void check_conv(const std::vector<NamedBackend>& backends, const Conv& c) {
  INFO("x ", c.x_shape, ", w ", c.w_shape, ", stride ", c.window.stride_h, "x", c.window.stride_w,
       ", padding ", c.window.padding_h, "x", c.window.padding_w);
  ReferenceBackend<double> definition;
  const Outputs y = forward(definition, c), y_scale = forward(definition, c.positive());
  const Outputs grad = backward(definition, c), grad_scale = backward(definition, c.positive());
  const double window = double(c.window.kernel_h * c.window.kernel_w);
  const double places = double(c.y_shape[0] * c.y_shape[2] * c.y_shape[3]);
  for_each_backend(backends, [&](Backend& backend) {
    check_output(forward(backend, c), y, y_scale, 0, double(c.x_shape[1]) * window + 1);
    const Outputs actual = backward(backend, c);
    check_output(actual, grad, grad_scale, 0, places + 1);
    check_output(actual, grad, grad_scale, 1, places + 1);
    check_output(actual, grad, grad_scale, 2, double(c.w_shape[0]) * window);
  });
}

Window window(Index kernel_h, Index kernel_w, Index stride_h, Index stride_w, Index padding_h,
              Index padding_w) {
  return {kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w};
}

TEST_CASE("conv2d is its definition for every kind of window") {
  const std::vector<NamedBackend> backends = float_backends();
  for (const Window& moves : {window(1, 1, 1, 1, 0, 0), window(3, 3, 1, 1, 0, 0), window(3, 3, 1, 1, 1, 1),
                              window(3, 3, 2, 2, 1, 1), window(2, 4, 3, 1, 0, 2), window(5, 3, 1, 2, 4, 3),
                              window(1, 1, 2, 3, 3, 3), window(7, 9, 1, 1, 0, 0)})
    for (Index outputs : {1, 5, 17}) check_conv(backends, Conv({3, 2, 7, 9}, outputs, moves));
}

TEST_CASE("conv2d is its definition for channels and widths on both sides of a vector") {
  const std::vector<NamedBackend> backends = float_backends();
  for (Index channels : {1, 3, 16, 33})
    for (Index width : {4, 17, 34})
      check_conv(backends, Conv({2, channels, 5, width}, 16, window(3, 3, 1, 1, 1, 1)));
}

TEST_CASE("conv2d is its definition for the layers of Nature-DQN (Mnih et al. 2015)") {
  const std::vector<NamedBackend> backends = float_backends();
  check_conv(backends, Conv({1, 4, 84, 84}, 32, window(8, 8, 4, 4, 0, 0)));
  check_conv(backends, Conv({1, 32, 20, 20}, 64, window(4, 4, 2, 2, 0, 0)));
  check_conv(backends, Conv({2, 64, 9, 9}, 64, window(3, 3, 1, 1, 0, 0)));
}

TEST_CASE("conv2d is its definition for batches so large that a device takes larger tiles and cuts sums") {
  const std::vector<NamedBackend> backends = float_backends();
  check_conv(backends, Conv({6, 8, 12, 12}, 16, window(3, 3, 1, 1, 0, 0)));
  check_conv(backends, Conv({52, 2, 11, 11}, 24, window(3, 3, 1, 1, 0, 0)));
  check_conv(backends, Conv({82, 1, 11, 11}, 64, window(2, 2, 1, 1, 0, 0)));
  check_conv(backends, Conv({34, 24, 11, 11}, 3, window(2, 2, 1, 1, 0, 0)));
  check_conv(backends, Conv({40, 24, 11, 11}, 5, window(3, 4, 2, 3, 1, 2)));
}

TEST_CASE("conv2d is its definition for large batches of windows that differ in height and width") {
  const std::vector<NamedBackend> backends = float_backends();
  // Images, strides, kernels and paddings that are nowhere square, each direction the larger one once;
  // batches of a few samples over whole groups of them.
  check_conv(backends, Conv({130, 2, 5, 7}, 5, window(3, 2, 1, 2, 1, 0)));
  check_conv(backends, Conv({131, 3, 7, 4}, 3, window(2, 3, 2, 1, 0, 2)));
  check_conv(backends, Conv({97, 17, 4, 6}, 18, window(1, 4, 3, 2, 0, 1)));
  check_conv(backends, Conv({66, 20, 6, 3}, 33, window(4, 1, 1, 2, 2, 0)));
  check_conv(backends, Conv({300, 1, 3, 4}, 2, window(2, 3, 1, 1, 1, 0)));
}

// y is that of conv2d_forward, bit by bit, which the other tests compare with the definition.
void check_activation(const std::vector<NamedBackend>& backends, const Conv& c) {
  INFO("x ", c.x_shape, ", w ", c.w_shape);
  for_each_backend(backends, [&](Backend& backend) {
    const Outputs rectified = with_activation(backend, c, Activation::kRelu);
    CHECK(rectified[1] == forward(backend, c)[0]);
    for (std::size_t i = 0; i < rectified[1].size(); ++i)
      REQUIRE(rectified[0][i] == (rectified[1][i] > 0 ? rectified[1][i] : 0));
    const Outputs tanh = with_activation(backend, c, Activation::kTanh);
    CHECK(tanh[1] == rectified[1]);
    for (std::size_t i = 0; i < tanh[1].size(); ++i)
      REQUIRE(std::abs(tanh[0][i] - std::tanh(tanh[1][i])) <= 8 * std::numeric_limits<float>::epsilon());
  });
}

TEST_CASE("conv2d with an activation is conv2d, and the activation of it") {
  const std::vector<NamedBackend> backends = float_backends();
  for (Index outputs : {1, 5, 16, 33, 40}) {
    check_activation(backends, Conv({3, 2, 7, 9}, outputs, window(3, 3, 1, 1, 1, 1)));
    check_activation(backends, Conv({2, 33, 6, 5}, outputs, window(3, 2, 2, 1, 0, 0)));
  }
}

TEST_CASE("conv2d carries a NaN to every output that depends on it, and ReLU makes it 0") {
  Conv c({2, 3, 6, 6}, 5, window(3, 3, 1, 1, 0, 0));
  c.x[1 * 108 + 0] =
      std::numeric_limits<float>::quiet_NaN();  // the corner of the second sample's first plane
  for_each_backend(float_backends(), [&](Backend& backend) {
    const Outputs out = with_activation(backend, c, Activation::kRelu), grad = backward(backend, c);
    for (std::size_t i = 0; i < out[1].size(); ++i) {
      CHECK(std::isnan(out[1][i]) == (i >= 80 && i % 16 == 0));  // 5 planes of 16 places a sample
      CHECK(!std::isnan(out[0][i]));
    }
    for (std::size_t i = 0; i < grad[0].size(); ++i) CHECK(std::isnan(grad[0][i]) == (i % 27 == 0));
  });
}

TEST_CASE("conv2d without dx computes the same dw and db") {
  const Conv c({3, 2, 7, 9}, 5, window(3, 3, 2, 1, 1, 0));
  for_each_backend(float_backends(), [&](Backend& backend) {
    const Outputs with = backward(backend, c), without = backward(backend, c, false);
    REQUIRE(without.size() == 2);
    CHECK(without[0] == with[0]);
    CHECK(without[1] == with[1]);
  });
}

}  // namespace
}  // namespace bellman::test
