// The loss of one TD error.
#pragma once

#include <math.h>

#include "core/ops/backend.h"
#include "cuda/base/dialect.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

struct ErrorLoss {
  LossKind kind;
  float delta;

  /// l(d): d^2, or Huber's (1964).
  __device__ float of(float d) const {
    if (kind == LossKind::kMeanSquaredError) return d * d;
    const float size = fabsf(d);
    return size <= delta ? d * d / 2 : delta * (size - delta / 2);
  }
  /// l'(d). A NaN stays one.
  __device__ float slope(float d) const {
    if (kind == LossKind::kMeanSquaredError) return 2 * d;
    return d > delta ? delta : d < -delta ? -delta : d;
  }
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
