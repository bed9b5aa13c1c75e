// Checks a hand-written gradient: changes each number a little, measures the change of the loss, and compares
// it with the backward pass.
#pragma once

#include <functional>
#include <span>

#include "core/base/tensor.h"

namespace bellman {

struct GradientCheckOptions {
  /// A value x changes by step max(1, |x|), at most by twice that. Where the loss bends too much within it, a
  /// tenth and a hundredth of the step are tried.
  double step = 1e-4;
  /// Gradients below this, times max(1, |loss|), are compared as if they were this large: below, the
  /// difference of two losses is rounding error.
  double smallest = 1e-4;
  /// Only every stride-th value is checked, for large tensors.
  Index stride = 1;
};

/// The result for one tensor. `index`, `analytic` and `numeric` belong to the largest relative error.
struct GradientCheck {
  /// max |analytic - numeric| / max(|analytic|, |numeric|, smallest); infinite when one of them is NaN.
  double relative_error = 0;
  Index index = -1;
  double analytic = 0;
  double numeric = 0;
  Index compared = 0;
  /// Values not compared because they are at a corner of the loss (a ReLU at 0, a tie in a pooling window) or
  /// too near one for any step. At a corner the slopes to the left and right differ; a backward pass may
  /// return either or, where pooling windows overlap, a combination. The analytic gradient does not affect
  /// this count, but must be finite.
  Index kinks = 0;
  /// The relative_error of gradients of zero. When it is small, the check is meaningless.
  double error_of_zero = 0;
};

/// Compares `analytic`, dloss/dvalues of a backward pass, with finite differences. `loss` computes the loss
/// from `values`, which are changed one by one and restored. A value costs six losses, at a corner up to
/// eighteen. Use double: a difference leaves three of a float's seven digits.
/// Throws: Error when values and analytic differ in length, or an option is not above 0.
GradientCheck check_gradient(const std::function<double()>& loss, std::span<double> values,
                             std::span<const double> analytic, const GradientCheckOptions& options = {});

}  // namespace bellman
