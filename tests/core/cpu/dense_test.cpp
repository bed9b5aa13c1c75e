#include "core/reference/reference_backend.h"
#include "tests/core/cpu/sizes.h"
#include "tests/support/backends.h"
#include "tests/support/op_run.h"

namespace bellman::test {
namespace {

struct Dense {
  Index B, I, O;
  Numbers x, w, b, dy, dw, db;

  Dense(Index batch, Index inputs, Index outputs) : B(batch), I(inputs), O(outputs) {
    RandomSequence random = test_sequence(11);
    x = random_tensor<float>(random, {B, I});
    w = random_tensor<float>(random, {O, I});
    b = random_tensor<float>(random, {O});
    dy = random_tensor<float>(random, {B, O});
    dw = random_tensor<float>(random, {O, I});  // what the gradients are before
    db = random_tensor<float>(random, {O});
  }
  /// With every number positive an output is the sum of its terms' magnitudes.
  Dense positive() const {
    Dense d = *this;
    for (Numbers* t : {&d.x, &d.w, &d.b, &d.dy, &d.dw, &d.db}) *t = magnitudes(*t);
    return d;
  }
};

template <class T>
Outputs forward(BasicBackend<T>& backend, const Dense& d) {
  OpRun<T> run(backend);
  backend.dense_forward(run.out(Shape{d.B, d.O}), run.in(d.x), run.in(d.w), run.in(d.b));
  return run.outputs();
}

template <class T>
Outputs backward(BasicBackend<T>& backend, const Dense& d, bool with_dx = true) {
  OpRun<T> run(backend);
  const auto dw = run.out(d.dw), db = run.out(d.db);
  const auto dx = run.out(Shape{d.B, d.I}, with_dx);
  backend.dense_backward(dx, dw, db, run.in(d.dy), run.in(d.x), run.in(d.w));
  return run.outputs();
}

void check_dense(const std::vector<NamedBackend>& backends, const Dense& d) {
  INFO("B ", d.B, ", I ", d.I, ", O ", d.O);
  ReferenceBackend<double> definition;
  const Outputs y = forward(definition, d), y_scale = forward(definition, d.positive());
  const Outputs grad = backward(definition, d), grad_scale = backward(definition, d.positive());
  for_each_backend(backends, [&](Backend& backend) {
    check_output(forward(backend, d), y, y_scale, 0, double(d.I + 1));
    const Outputs actual = backward(backend, d);
    check_output(actual, grad, grad_scale, 0, double(d.B + 1));
    check_output(actual, grad, grad_scale, 1, double(d.B + 1));
    check_output(actual, grad, grad_scale, 2, double(d.O));
  });
}

TEST_CASE("dense is its definition for sizes on both sides of a vector") {
  const std::vector<NamedBackend> backends = float_backends();
  for (Index B : kSizes)
    for (Index I : kSizes)
      for (Index O : kSizes) check_dense(backends, Dense(B, I, O));
}

TEST_CASE("dense is its definition for the layers of Q-networks") {
  const std::vector<NamedBackend> backends = float_backends();
  for (const auto& [B, I, O] : {std::array<Index, 3>{64, 4, 64},
                                {64, 64, 2},
                                {32, 8, 256},
                                {32, 256, 256},
                                {32, 256, 4},
                                {128, 4, 120},
                                {128, 120, 84},
                                {2, 3136, 512},
                                {1, 512, 18}})
    check_dense(backends, Dense(B, I, O));
}

TEST_CASE("dense is its definition for outputs and gradients so many that a device takes larger tiles") {
  const std::vector<NamedBackend> backends = float_backends();
  for (const auto& [B, I, O] : {std::array<Index, 3>{330, 5, 401},
                                {704, 6, 771},
                                {1921, 3, 900},
                                {1, 481, 250},
                                {250, 484, 2},
                                {1, 961, 510},
                                {510, 964, 2},
                                {1, 1921, 897},
                                {897, 1924, 2},
                                {31, 1030, 64},
                                {1100, 20, 24}})
    check_dense(backends, Dense(B, I, O));
}

TEST_CASE("dense is its definition for weights that no cache holds, read once") {
  const std::vector<NamedBackend> backends = host_backends();  // a device makes no difference of them
  for (const auto& [B, I, O] : {std::array<Index, 3>{8, 514, 513}, {33, 261, 1031}, {195, 512, 512}})
    check_dense(backends, Dense(B, I, O));
}

TEST_CASE("dense without dx computes the same dw and db") {
  const Dense d(33, 65, 31);
  for_each_backend(float_backends(), [&](Backend& backend) {
    const Outputs with = backward(backend, d), without = backward(backend, d, false);
    REQUIRE(without.size() == 2);
    CHECK(without[0] == with[0]);
    CHECK(without[1] == with[1]);
  });
}

TEST_CASE("dense carries a NaN to every output that depends on it") {
  Dense d(33, 33, 33);
  d.x[5 * 33 + 7] = std::numeric_limits<float>::quiet_NaN();
  for_each_backend(float_backends(), [&](Backend& backend) {
    const Outputs y = forward(backend, d), grad = backward(backend, d);
    for (std::size_t n = 0; n < 33; ++n)
      for (std::size_t o = 0; o < 33; ++o) {
        CHECK(std::isnan(y[0][n * 33 + o]) == (n == 5));
        CHECK(std::isnan(grad[0][o * 33 + n]) == (n == 7));  // dw[o,i]: here n is i
      }
  });
}

TEST_CASE("dense of no samples and of no inputs") {
  for_each_backend(float_backends(), [&](Backend& backend) {
    const Dense no_samples(0, 5, 3), no_inputs(2, 0, 3);
    CHECK(forward(backend, no_samples)[0].empty());
    CHECK(backward(backend, no_samples)[0] ==
          std::vector<double>(no_samples.dw.values().begin(), no_samples.dw.values().end()));
    for (std::size_t o = 0; o < 3; ++o) CHECK(forward(backend, no_inputs)[0][o] == no_inputs.b[o]);
  });
}

}  // namespace
}  // namespace bellman::test
