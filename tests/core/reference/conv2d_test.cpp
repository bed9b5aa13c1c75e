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

Shape output_shape(const Shape& x, const Shape& w, const Window& window) {
  return {x[0], w[0], window.output_h(x[2]), window.output_w(x[3])};
}

TEST_CASE("conv2d: finite differences in x, w and b") {
  struct Case {
    Shape x;
    Index outputs;
    Window window;  // kernel, stride, padding: h, w each
  };
  const Case cases[] = {
      {{2, 2, 4, 5}, 3, {3, 3, 1, 1, 0, 0}},  // the plain one
      {{1, 2, 5, 4}, 2, {2, 3, 1, 2, 0, 1}},  // everything different in h and w
      {{2, 1, 5, 6}, 2, {3, 2, 2, 1, 1, 0}},  // kernel above stride: windows overlap
      {{1, 2, 7, 7}, 2, {2, 2, 3, 3, 0, 0}},  // stride above kernel: pixels that no window sees
      {{1, 1, 3, 3}, 2, {5, 5, 1, 1, 2, 2}},  // a kernel larger than the image, padding 2
      {{2, 3, 2, 2}, 2, {1, 1, 1, 1, 0, 0}},  // a dense layer at each pixel
      {{1, 1, 2, 2}, 1, {1, 1, 2, 2, 1, 1}},  // windows of padding alone
      {{1, 1, 6, 6}, 1, {4, 4, 2, 2, 1, 1}},  // the last row and column are not reached
  };
  ReferenceBackend<double> ops;
  RandomSequence random = test_sequence(3);
  for (const auto& [shape, outputs, window] : cases) {
    auto x = random_tensor(random, shape);
    auto w = random_tensor(random, {outputs, shape[1], window.kernel_h, window.kernel_w});
    auto b = random_tensor(random, {outputs});
    INFO("x ", x.shape(), " w ", w.shape());
    HostTensor<double> y(output_shape(x.shape(), w.shape(), window)), dx(x.shape()), dw(w.shape()),
        db(b.shape());
    const auto dy = random_tensor(random, y.shape());
    ops.conv2d_backward(dx, dw, db, dy, x, w, window, {});
    const auto loss = [&, &window = window] {
      ops.conv2d_forward(y, x, w, b, window, {});
      return dot(dy, y);
    };
    check_gradient("x", loss, x, dx);
    check_gradient("w", loss, w, dw);
    check_gradient("b", loss, b, db);
  }
}

TEST_CASE("conv2d agrees with PyTorch") {
  ReferenceBackend<double> ops;
  const Golden golden("golden_ops");
  for (const std::string& name : golden.keys("conv2d")) {
    const std::string at = "conv2d." + name + ".";
    INFO(at);
    const Window window = golden_window(golden, at + "window");
    const auto &x = golden[at + "x"], &w = golden[at + "w"], &b = golden[at + "b"];
    HostTensor<double> y(golden[at + "y"].shape()), dx(x.shape()), dw(w.shape()), db(b.shape());
    CHECK(ops.conv2d_scratch(x.shape(), w.shape(), window) == 0);
    ops.conv2d_forward(y, x, w, b, window, {});
    ops.conv2d_backward(dx, dw, db, golden[at + "dy"], x, w, window, {});
    check_golden(y, golden[at + "y"]);
    check_golden(dx, golden[at + "dx"]);
    check_golden(dw, golden[at + "dw"]);
    check_golden(db, golden[at + "db"]);
  }
}

TEST_CASE("conv2d_backward adds to dw and db, overwrites dx, and skips a dx that is no tensor") {
  ReferenceBackend<double> ops;
  RandomSequence random = test_sequence(4);
  const Window window = {2, 2, 1, 1, 1, 1};
  const auto x = random_tensor(random, {2, 2, 3, 3}), w = random_tensor(random, {3, 2, 2, 2});
  const auto dy = random_tensor(random, output_shape(x.shape(), w.shape(), window));
  HostTensor<double> dx(x.shape()), dw(w.shape()), db({3});
  ops.conv2d_backward(dx, dw, db, dy, x, w, window, {});

  HostTensor<double> dx_again(x.shape(), 7.0), dw_again(w.shape(), 10.0), db_again({3}, 20.0);
  ops.conv2d_backward(dx_again, dw_again, db_again, dy, x, w, window, {});
  CHECK(dx_again.values() == dx.values());
  check_added(dw_again, 10.0, dw);
  check_added(db_again, 20.0, db);

  HostTensor<double> dw_alone(w.shape()), db_alone({3});
  ops.conv2d_backward({}, dw_alone, db_alone, dy, x, w, window, {});
  CHECK(dw_alone.values() == dw.values());
  CHECK(db_alone.values() == db.values());
}

TEST_CASE("conv2d by hand: an edge detector, and what padding lets in") {
  ReferenceBackend<double> ops;
  const HostTensor<double> x({1, 1, 2, 3}, {1, 2, 4, 8, 16, 32});
  const HostTensor<double> w({1, 1, 1, 2}, {-1, 1}), b({1}, 100.0);
  HostTensor<double> y({1, 1, 2, 2});
  ops.conv2d_forward(y, x, w, b, {.kernel_h = 1, .kernel_w = 2}, {});
  CHECK(y.values() == std::vector<double>{101, 102, 108, 116});

  HostTensor<double> padded({1, 1, 2, 4});
  ops.conv2d_forward(padded, x, w, b, {.kernel_h = 1, .kernel_w = 2, .padding_w = 1}, {});
  CHECK(padded.values() == std::vector<double>{101, 101, 102, 96, 108, 108, 116, 68});
}

}  // namespace
}  // namespace bellman::test
