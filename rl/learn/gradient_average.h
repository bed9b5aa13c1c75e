// What comes between the backward pass and the optimiser where several ranks train one network (rl/ranks).
#pragma once

#include "core/base/tensor.h"

namespace bellman {

/// Replaces this rank's gradient by the mean over all ranks. Every learner that computes a gradient in the arena
/// calls it once a step, before anything looks at the gradient: guards, clipping and the optimiser then see the same
/// numbers on every rank, and do the same.
class GradientAverage {
 public:
  virtual ~GradientAverage() = default;

  /// gradient(P) and loss(1), both of this rank's part of the batch, become their means over ranks: the sum in rank order,
  /// by the number of ranks. They lie where the learner's backend has its memory. Throws: Error when a rank cannot be
  /// reached; a rank that fails ends all.
  virtual void average(Tensor gradient, Tensor loss) = 0;
};

}  // namespace bellman
