#include <string>

#include <doctest/doctest.h>

#include "core/reference/images.h"
#include "core/reference/reference_backend.h"
#include "tests/core/reference/golden_window.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"
#include "tests/support/gradcheck.h"

namespace bellman::test {
namespace {

TEST_CASE("max_pool2d: finite differences in x") {
  struct Case {
    Shape x;
    Window window;
  };
  const Case cases[] = {
      {{2, 2, 4, 6}, {2, 2, 2, 2, 0, 0}},  // tiles
      {{1, 2, 5, 6}, {3, 3, 1, 1, 1, 1}},  // overlapping, padded
      {{1, 1, 6, 7}, {3, 2, 2, 1, 2, 1}},  // different in h and w, padding kernel - 1
      {{2, 1, 7, 7}, {2, 2, 3, 3, 0, 0}},  // pixels that no window sees
      {{1, 2, 3, 4}, {3, 4, 1, 1, 0, 0}},  // the whole image
  };
  ReferenceBackend<double> ops;
  RandomSequence random = test_sequence(5);
  for (const auto& [shape, window] : cases) {
    auto x = shuffled_ladder(random, shape);  // no ties: the nudges are far below the ladder's steps
    INFO("x ", x.shape());
    HostTensor<double> y({shape[0], shape[1], window.output_h(shape[2]), window.output_w(shape[3])});
    const auto dy = random_tensor(random, y.shape());
    HostTensor<double> dx(shape, 7.0);  // overwritten
    ops.max_pool2d_backward(dx, dy, x, window);
    const auto loss = [&, &window = window] {
      ops.max_pool2d_forward(y, x, window);
      return dot(dy, y);
    };
    check_gradient("x", loss, x, dx);
  }
}

TEST_CASE("max_pool2d agrees with PyTorch") {
  ReferenceBackend<double> ops;
  const Golden golden("golden_ops");
  for (const std::string& name : golden.keys("max_pool2d")) {
    const std::string at = "max_pool2d." + name + ".";
    INFO(at);
    const Window window = golden_window(golden, at + "window");
    const auto& x = golden[at + "x"];
    HostTensor<double> y(golden[at + "y"].shape()), dx(x.shape());
    ops.max_pool2d_forward(y, x, window);
    ops.max_pool2d_backward(dx, golden[at + "dy"], x, window);
    check_golden(y, golden[at + "y"]);
    check_golden(dx, golden[at + "dx"]);
  }
}

TEST_CASE("max_pool2d: a tie's gradient goes to the first, and padding never wins") {
  ReferenceBackend<double> ops;
  const HostTensor<double> x({1, 1, 2, 2}, {-5, -3, -3, -3}), dy({1, 1, 1, 1}, 2.0);
  HostTensor<double> y({1, 1, 1, 1}), dx(x.shape());
  const Window window = {.kernel_h = 2, .kernel_w = 2};
  ops.max_pool2d_forward(y, x, window);
  ops.max_pool2d_backward(dx, dy, x, window);
  CHECK(y[0] == -3);
  CHECK(dx.values() == std::vector<double>{0, 2, 0, 0});

  // Padded windows of one pixel each, all negative: a zero of the padding would be larger.
  const Window padded = {
      .kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2, .padding_h = 1, .padding_w = 1};
  HostTensor<double> corners(x.shape());
  ops.max_pool2d_forward(corners, x, padded);
  CHECK(corners.values() == x.values());
}

}  // namespace
}  // namespace bellman::test
