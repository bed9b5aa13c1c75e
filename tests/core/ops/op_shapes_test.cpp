#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/ops/backend_ops.h"
#include "tests/core/ops/shape_only.h"
#include "tests/support/error_message.h"
#include "tests/support/not_finite.h"

namespace bellman::test {
namespace {

TEST_CASE("op shapes: dense") {
  const auto y = of({3, 64}), x = of({3, 4}), w = of({64, 4}), b = of({64});
  CHECK_NOTHROW(check_dense_forward(y, x, w, b));
  CHECK_NOTHROW(check_dense_forward(of({0, 64}), of({0, 4}), w, b));
  CHECK(error_message([&] {
          check_dense_forward(y, of({3, 5}), w, b);
        }) == "dense_forward: x (3,5) has 5 columns but w (64,4) expects 4");
  CHECK(error_message([&] {
          check_dense_forward(of({2, 64}), x, w, b);
        }) == "dense_forward: y has shape (2,64) but (3,64) follows from x (3,4) and w (64,4)");
  CHECK(error_message([&] { check_dense_forward(y, x, w, of({4})); }) ==
        "dense_forward: b has shape (4) but (64) follows from w (64,4)");
  CHECK(error_message([&] {
          check_dense_forward(y, of({3, 2, 2}), w, b);
        }) == "dense_forward: x has shape (3,2,2) but (B,I) is expected: 2 dimensions");
  CHECK(error_message([&] { check_dense_forward(y, x, w, none); }) == "dense_forward: b is missing");

  CHECK_NOTHROW(check_dense_backward(x, w, b, y, x, w));
  CHECK_NOTHROW(check_dense_backward(none, w, b, y, x, w));
  CHECK(error_message([&] {
          check_dense_backward(of({4, 3}), w, b, y, x, w);
        }) == "dense_backward: dx has shape (4,3) but x has (3,4)");
  CHECK(error_message([&] {
          check_dense_backward(x, of({4, 64}), b, y, x, w);
        }) == "dense_backward: dw has shape (4,64) but w has (64,4)");
  CHECK(error_message([&] { check_dense_backward(x, none, b, y, x, w); }) == "dense_backward: dw is missing");
  CHECK(error_message([&] { check_dense_backward(x, w, of({3}), y, x, w); }) ==
        "dense_backward: db has shape (3) but (64) follows from w (64,4)");
  CHECK(error_message([&] {
          check_dense_backward(x, w, b, of({64, 3}), x, w);
        }) == "dense_backward: dy has shape (64,3) but (3,64) follows from x (3,4) and w (64,4)");
}

TEST_CASE("op shapes: conv2d") {
  const auto x = of({2, 3, 5, 6}), w = of({4, 3, 3, 2}), b = of({4}), y = of({2, 4, 2, 5});
  const Window window = {.kernel_h = 3, .kernel_w = 2, .stride_h = 2};
  const auto forward = [&](const Operand& out, const Operand& in, const Operand& kernel, const Window& how,
                           const Operand& scratch, Index scratch_elements) {
    return error_message([&] {
      check_conv2d_forward(out, in, kernel, b, how);
      check_scratch("conv2d_forward", scratch, scratch_elements);
    });
  };
  CHECK(forward(y, x, w, window, none, 0) == "no error");
  CHECK(forward(y, x, w, window, of({7}), 7) == "no error");
  CHECK(forward(y, x, w, window, of({7}), 8) == "conv2d_forward: scratch has 7 elements but 8 are needed");
  CHECK(forward(y, x, w, window, none, 8) == "conv2d_forward: scratch has 0 elements but 8 are needed");
  CHECK(forward(of({2, 4, 3, 5}), x, w, window, none, 0) ==
        "conv2d_forward: y has shape (2,4,3,5) but (2,4,2,5) follows from x (2,3,5,6) and w (4,3,3,2)");
  CHECK(forward(y, of({2, 1, 5, 6}), w, window, none, 0) ==
        "conv2d_forward: x (2,1,5,6) has 1 channels but w (4,3,3,2) expects 3");
  CHECK(forward(y, of({2, 90}), w, window, none, 0) ==
        "conv2d_forward: x has shape (2,90) but (B,C,H,W) is expected: 4 dimensions");
  CHECK(forward(y, x, none, window, none, 0) == "conv2d_forward: w is missing");

  const auto backward = [&](const Operand& dx, const Operand& dw, const Operand& db, const Operand& dy) {
    return error_message([&] { check_conv2d_backward(dx, dw, db, dy, x, w, window); });
  };
  CHECK(backward(x, w, b, y) == "no error");
  CHECK(backward(none, w, b, y) == "no error");
  CHECK(backward(y, w, b, y) == "conv2d_backward: dx has shape (2,4,2,5) but x has (2,3,5,6)");
  CHECK(backward(x, b, b, y) == "conv2d_backward: dw has shape (4) but w has (4,3,3,2)");
  CHECK(backward(x, w, none, y) == "conv2d_backward: db is missing");
  CHECK(backward(x, w, b, x) ==
        "conv2d_backward: dy has shape (2,3,5,6) but (2,4,2,5) follows from x (2,3,5,6) and w (4,3,3,2)");
}

TEST_CASE("op shapes: windows that are impossible or do not fit") {
  const Shape x = {1, 1, 4, 4};
  const auto conv = [&](const Shape& w, const Window& window) {
    return error_message([&] { checked_conv2d_output("conv2d_scratch", x, w, window); });
  };
  const auto pool = [&](const Window& window) {
    return error_message([&] { checked_max_pool2d_output("max_pool2d_forward", x, window); });
  };
  CHECK(checked_conv2d_output("conv2d_scratch", x, {1, 1, 3, 3}, {3, 3, 1, 1, 1, 1}) == x);
  CHECK(conv({1, 1, 5, 3}, {.kernel_h = 5, .kernel_w = 3}) ==
        "conv2d_scratch: a window of 5x3 does not fit x (1,1,4,4) with padding 0x0");
  CHECK(conv({1, 1, 3, 3}, {.kernel_h = 2, .kernel_w = 3}) ==
        "conv2d_scratch: w (1,1,3,3) has a kernel of 3x3 but the window's is 2x3");
  CHECK(pool({.kernel_h = 0}) ==
        "max_pool2d_forward: the window's kernel is 0x1 but must be from 1 to 1073741824");
  CHECK(pool({.stride_w = 0}) ==
        "max_pool2d_forward: the window's stride is 1x0 but must be from 1 to 1073741824");
  CHECK(pool({.padding_h = -1}) ==
        "max_pool2d_forward: the window's padding is -1x0 but must be from 0 to 1073741824");
  CHECK(pool({.padding_h = std::numeric_limits<Index>::max()}) ==
        "max_pool2d_forward: the window's padding is 9223372036854775807x0 but must be from 0 to 1073741824");
  CHECK(pool({.kernel_h = 2, .kernel_w = 2, .padding_w = 2}) ==
        "max_pool2d_forward: the padding 0x2 must be smaller than the kernel 2x2: a window of padding alone "
        "has no "
        "maximum");
}

TEST_CASE("op shapes: max_pool2d") {
  const auto x = of({2, 3, 4, 6}), y = of({2, 3, 2, 3});
  const Window window = {2, 2, 2, 2, 0, 0};
  CHECK_NOTHROW(check_max_pool2d_forward(y, x, window));
  CHECK(error_message([&] { check_max_pool2d_forward(x, x, window); }) ==
        "max_pool2d_forward: y has shape (2,3,4,6) but (2,3,2,3) follows from x (2,3,4,6) and the window");
  CHECK(error_message([&] {
          check_max_pool2d_forward(y, of({2, 3}), window);
        }) == "max_pool2d_forward: x has shape (2,3) but (B,C,H,W) is expected: 4 dimensions");
  CHECK_NOTHROW(check_max_pool2d_backward(x, y, x, window));
  CHECK(error_message([&] { check_max_pool2d_backward(y, y, x, window); }) ==
        "max_pool2d_backward: dx has shape (2,3,2,3) but x has (2,3,4,6)");
  CHECK(error_message([&] { check_max_pool2d_backward(x, x, x, window); }) ==
        "max_pool2d_backward: dy has shape (2,3,4,6) but (2,3,2,3) follows from x (2,3,4,6) and the window");
  CHECK(error_message([&] { check_max_pool2d_backward(none, y, x, window); }) ==
        "max_pool2d_backward: dx is missing");
}

TEST_CASE("op shapes: elementwise ops want one shape") {
  const auto a = of({2, 3}), b = of({3, 2});
  for (const ActivationInfo& info : kActivations) {
    const Activation f(info.kind, info.usual);
    const std::string name = info.name, kept = info.keeps_output ? "y" : "x";
    const auto forward = [&](const Operand& y, const Operand& x) {
      return error_message([&] { check_activation_forward(y, x, f); });
    };
    CHECK(forward(a, a) == "no error");
    CHECK(forward(a, b) == name + "_forward: y has shape (2,3) but x has (3,2)");
    CHECK(forward(none, a) == name + "_forward: y is missing");
    CHECK(forward(a, none) == name + "_forward: x is missing");
    const auto backward = [&](const Operand& dx, const Operand& dy, const Operand& of_forward) {
      return error_message([&] { check_activation_backward(dx, dy, of_forward, f); });
    };
    CHECK(backward(a, a, a) == "no error");
    CHECK(backward(a, b, a) == name + "_backward: dy has shape (3,2) but " + kept + " has (2,3)");
    CHECK(backward(b, a, a) == name + "_backward: dx has shape (3,2) but " + kept + " has (2,3)");
    CHECK(backward(none, a, a) == name + "_backward: dx is missing");
    CHECK(backward(a, a, none) == name + "_backward: " + kept + " is missing");
  }
  const Activation nowhere(Activation::kLeakyRelu, kNan);
  CHECK(error_message([&] { check_activation_forward(a, a, nowhere); }) ==
        "leaky_relu_forward: slope is nan but must be finite");
  CHECK(error_message([&] { check_activation_backward(a, a, a, nowhere); }) ==
        "leaky_relu_backward: slope is nan but must be finite");
  CHECK(error_message([&] { check_activation_forward(a, a, Activation::kNone); }) ==
        "activation_forward: there is no function to apply");
  CHECK_NOTHROW(check_fill(a));
  CHECK(error_message([] { check_fill(none); }) == "fill: x is missing");
  CHECK_NOTHROW(check_add(a, a));
  CHECK(error_message([&] { check_add(a, b); }) == "add: y has shape (2,3) but x has (3,2)");
}

TEST_CASE("op shapes: layer_norm") {
  const auto x = of({3, 5}), gamma = of({5}), mean = of({3});
  const auto forward = [&](const Operand& in, const Operand& g, const Operand& m, double epsilon) {
    return error_message([&] { check_layer_norm_forward(x, m, mean, in, g, gamma, epsilon); });
  };
  CHECK(forward(x, gamma, mean, 1e-5) == "no error");
  CHECK(forward(x, of({3}), mean, 1e-5) ==
        "layer_norm_forward: gamma has shape (3) but (5) follows from x (3,5)");
  CHECK(forward(x, gamma, of({5}), 1e-5) ==
        "layer_norm_forward: mean has shape (5) but (3) follows from x (3,5)");
  CHECK(forward(of({3, 0}), gamma, mean, 1e-5) ==
        "layer_norm_forward: x has shape (3,0) but a row needs a number to have a mean");
  CHECK(forward(x, gamma, mean, 0.0)
            .starts_with("layer_norm_forward: epsilon is 0 but must be at least 1.175"));
  CHECK(forward(x, gamma, mean, kNan).starts_with("layer_norm_forward: epsilon is nan but must be"));

  const auto backward = [&](const Operand& dx, const Operand& dgamma, const Operand& dbeta, const Operand& dy,
                            const Operand& rstd) {
    return error_message([&] { check_layer_norm_backward(dx, dgamma, dbeta, dy, x, gamma, mean, rstd); });
  };
  CHECK(backward(x, gamma, gamma, x, mean) == "no error");
  CHECK(backward(none, gamma, gamma, x, mean) == "no error");
  CHECK(backward(gamma, gamma, gamma, x, mean) == "layer_norm_backward: dx has shape (5) but x has (3,5)");
  CHECK(backward(x, mean, gamma, x, mean) == "layer_norm_backward: dgamma has shape (3) but gamma has (5)");
  CHECK(backward(x, gamma, none, x, mean) == "layer_norm_backward: dbeta is missing");
  CHECK(backward(x, gamma, gamma, of({5, 3}), mean) ==
        "layer_norm_backward: dy has shape (5,3) but x has (3,5)");
  CHECK(backward(x, gamma, gamma, x, gamma) ==
        "layer_norm_backward: rstd has shape (5) but (3) follows from x (3,5)");
}

TEST_CASE("op shapes: dueling") {
  const auto v = of({3, 1}), a = of({3, 4});
  CHECK_NOTHROW(check_dueling_forward(a, v, a));
  CHECK_NOTHROW(check_dueling_backward(v, a, a));
  CHECK(error_message([&] { check_dueling_forward(a, of({3}), a); }) ==
        "dueling_forward: v has shape (3) but (3,1) follows from a (3,4)");
  CHECK(error_message([&] {
          check_dueling_forward(of({4, 3}), v, a);
        }) == "dueling_forward: q has shape (4,3) but a has (3,4)");
  CHECK(error_message([&] {
          check_dueling_forward(a, v, of({3, 0}));
        }) == "dueling_forward: a has shape (3,0) but a mean needs at least one action");
  CHECK(error_message([&] {
          check_dueling_backward(of({2, 1}), a, a);
        }) == "dueling_backward: dv has shape (2,1) but (3,1) follows from dq (3,4)");
  CHECK(error_message([&] { check_dueling_backward(v, none, a); }) == "dueling_backward: da is missing");
}

}  // namespace
}  // namespace bellman::test
