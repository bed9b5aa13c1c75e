#include <cmath>
#include <limits>

#include "core/reference/reference_backend.h"
#include "tests/support/backends.h"
#include "tests/support/op_run.h"

namespace bellman::test {
namespace {

template <class T>
Outputs forward(BasicBackend<T>& backend, const Numbers& x, const Window& window) {
  OpRun<T> run(backend);
  const Shape& s = x.shape();
  const auto y = run.out(Shape{s[0], s[1], window.output_h(s[2]), window.output_w(s[3])});
  backend.max_pool2d_forward(y, run.in(x), window);
  return run.outputs();
}

template <class T>
Outputs backward(BasicBackend<T>& backend, const Numbers& dy, const Numbers& x, const Window& window) {
  OpRun<T> run(backend);
  backend.max_pool2d_backward(run.out(x.shape()), run.in(dy), run.in(x), window);
  return run.outputs();
}

void check_max_pool(const std::vector<NamedBackend>& backends, const Shape& shape, const Window& window) {
  INFO("x ", shape, ", kernel ", window.kernel_h, "x", window.kernel_w);
  RandomSequence random = test_sequence(15);
  Numbers x = random_tensor<float>(random, shape);
  for (float& value : x.values()) value = std::round(value * 4) / 4;  // many ties: the first one wins
  const Numbers dy = random_tensor<float>(
      random, {shape[0], shape[1], window.output_h(shape[2]), window.output_w(shape[3])});

  ReferenceBackend<double> definition;
  const Outputs y = forward(definition, x, window), dx = backward(definition, dy, x, window);
  const Outputs scale = backward(definition, magnitudes(dy), x, window);
  for_each_backend(backends, [&](Backend& backend) {
    CHECK(forward(backend, x, window) == y);
    check_output(backward(backend, dy, x, window), dx, scale, 0, double(window.kernel_h * window.kernel_w));
  });
}

TEST_CASE("max_pool2d is its definition") {
  const std::vector<NamedBackend> backends = float_backends();
  const Window windows[] = {
      {2, 2, 2, 2, 0, 0}, {3, 3, 1, 1, 1, 1}, {3, 2, 2, 3, 2, 1}, {1, 1, 1, 1, 0, 0}, {5, 5, 3, 2, 0, 0}};
  for (const Window& window : windows) {
    check_max_pool(backends, {2, 3, 9, 7}, window);
    check_max_pool(backends, {1, 1, 33, 65}, window);
    check_max_pool(backends, {8, 16, 20, 20}, window);  // shared by threads
  }
}

TEST_CASE("max_pool2d is its definition for large batches of windows that differ in height and width") {
  const std::vector<NamedBackend> backends = float_backends();
  check_max_pool(backends, {130, 3, 5, 7}, {3, 2, 1, 2, 1, 0});
  check_max_pool(backends, {131, 2, 7, 4}, {2, 3, 3, 1, 0, 2});
  check_max_pool(backends, {40, 5, 4, 9}, {1, 4, 2, 3, 0, 1});
  check_max_pool(backends, {300, 1, 6, 3}, {4, 1, 1, 2, 3, 0});
}

// x > NaN and NaN > x are both false: a NaN is the maximum exactly where its window starts with it.
TEST_CASE("max_pool2d treats a NaN as its definition does") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Numbers x({1, 1, 2, 4}, {nan, 1, 1, 2, 3, 4, nan, 0}), dy({1, 1, 1, 2}, {5, 6});
  const Window window = {2, 2, 2, 2, 0, 0};
  for_each_backend(float_backends(), [&](Backend& backend) {
    const Outputs y = forward(backend, x, window);
    CHECK(std::isnan(y[0][0]));
    CHECK(y[0][1] == 2);
    CHECK(backward(backend, dy, x, window) == Outputs{{5, 0, 0, 6, 0, 0, 0, 0}});
  });
}

}  // namespace
}  // namespace bellman::test
