// Is a hand-written gradient right? Nudge each number a little, see by how much the loss changes, and compare
// that with what the backward pass claims.
#pragma once

#include <functional>
#include <span>

#include "core/base/tensor.h"

namespace bellman {

struct GradientCheckOptions {
  /// By how much a value x is nudged: step max(1, |x|), at most twice that. Where the loss bends too much
  /// within it, a tenth and a hundredth of it are tried.
  double step = 1e-4;
  /// Gradients smaller than this are compared as if they were this large, times max(1, |loss|): below, the
  /// difference of two losses holds rounding errors only.
  double smallest = 1e-4;
  /// Only every stride-th value is nudged: for tensors too large to check them all.
  Index stride = 1;
};

/// What a check of one tensor found. `index`, `analytic` and `numeric` are where the relative error is
/// largest.
struct GradientCheck {
  /// max |analytic - numeric| / max(|analytic|, |numeric|, smallest); infinite when one of them is not a
  /// number.
  double relative_error = 0;
  Index index = -1;
  double analytic = 0;
  double numeric = 0;
  Index compared = 0;
  /// Values not compared because the loss has a corner there (a ReLU at 0, a tie in a pooling window): the
  /// slope to the left is another than the one to the right, and a backward pass may claim either, or, where
  /// pooling windows overlap, a sum of choices that is neither. So is a value too near a corner for any step.
  /// The analytic gradient has no part in that judgement, except that it must be finite.
  Index kinks = 0;
  /// The relative_error that gradients of zero would have had. When it is small, the check says nothing.
  double error_of_zero = 0;
};

/// Compares `analytic`, dloss/dvalues as a backward pass gave it, with differences. `loss` computes the loss
/// anew from `values`, which are nudged one by one and put back. Each value costs six losses, one at a corner
/// up to eighteen. Use double throughout: of a float's seven digits a difference leaves three.
/// Throws: Error when values and analytic differ in length, or an option is not above 0.
GradientCheck check_gradient(const std::function<double()>& loss, std::span<double> values,
                             std::span<const double> analytic, const GradientCheckOptions& options = {});

}  // namespace bellman
