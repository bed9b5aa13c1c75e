// A gradient against finite differences, as a test assertion. core/nn/gradient_check.h explains the
// measurement.
//
// Ops without a scalar output are checked with L = sum_i dy[i] y[i] for a random dy. Then dL/dy is dy, and
// the backward pass gets dy.
#pragma once

#include <cstddef>
#include <functional>

#include <doctest/doctest.h>

#include "core/nn/gradient_check.h"
#include "tests/support/host_tensor.h"

namespace bellman::test {

constexpr double kGradientTolerance = 1e-6;

/// Every number of `analytic` is dloss/dvalues within a relative error of 1e-6, and no number was skipped
/// at a kink. `name` is what a failure calls the tensor.
inline void check_gradient(const char* name, const std::function<double()>& loss, HostTensor<double>& values,
                           const HostTensor<double>& analytic) {
  const GradientCheck found = bellman::check_gradient(loss, values.span(), analytic.span());
  INFO("d", name, "[", found.index, "] is ", found.analytic, ", by differences ", found.numeric);
  CHECK(found.compared == values.shape().elements());
  CHECK(found.kinks == 0);
  CHECK(found.relative_error <= kGradientTolerance);
}

/// An op that accumulates left `before` + `expected` in a tensor that was filled with `before`.
inline void check_added(const HostTensor<double>& actual, double before, const HostTensor<double>& expected) {
  REQUIRE(actual.size() == expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i)
    CHECK(actual[i] - before == doctest::Approx(expected[i]).epsilon(1e-12).scale(before));
}

}  // namespace bellman::test
