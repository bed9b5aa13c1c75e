// Arithmetic on the Q-values of one sample, shared by the ops of Q-learning and the fused learn step: the
// greedy action, the dueling head, the loss of a TD error.
#pragma once

#include <cstdint>

#include <math.h>

#include "core/ops/backend.h"
#include "cuda/base/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// The smallest index of the largest of row[0 .. A). With NaN in the row: some index of the row, the same as
/// in the definition (core/reference).
template <class Row>
__device__ __forceinline__ std::int32_t argmax(const Row& row, int A) {
  std::int32_t best = 0;
  float largest = row[0];
  for (int a = 1; a < A; ++a) {
    const float value = row[a];
    if (value > largest) {
      largest = value;
      best = a;
    }
  }
  return best;
}
/// Of row n of q(B,A).
__device__ __forceinline__ std::int32_t argmax_of_row(const float* q, Index n, int A) {
  return argmax(q + n * A, A);
}

/// A row of Q-values in a fused step's shared memory (cuda/fused/dqn_layout.h): the row itself, or with a
/// dueling head (Wang et al. 2016, eq. 9) v + a - mean of a, with v in row[0] and a from row[4] on.
struct QRow {
  const float* a;
  float value = 0, mean = 0;
  bool dueling;

  __device__ QRow(const float* row, int actions, bool has_dueling_head) : a(row), dueling(has_dueling_head) {
    if (!dueling) return;
    a = row + 4;
    value = row[0];
    for (int k = 0; k < actions; ++k) mean += a[k];
    mean /= static_cast<float>(actions);
  }
  __device__ float operator[](int k) const { return dueling ? value + a[k] - mean : a[k]; }
};

/// The loss l of one TD error d.
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
