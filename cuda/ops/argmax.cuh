// Where the largest Q-value of a row stands.
#pragma once

#include <cstdint>

#include "core/base/tensor.h"
#include "cuda/base/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// The smallest index of the largest number of row n of q(B,A). With NaN in the row: some index of the row,
/// the same as core/reference/q_learning.h.
__device__ __forceinline__ std::int32_t argmax_of_row(const float* q, Index n, int A) {
  const float* const row = q + n * A;
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

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
