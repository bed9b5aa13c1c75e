// A row of Q-values in shared memory (cuda/fused/learner.cuh).
#pragma once

#include "cuda/fused/dqn_layout.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// Of a row of Q-values: the numbers themselves, or what the dueling head makes of them (Wang et al. 2016,
/// eq. 9).
struct QRow {
  const float* a;
  float value = 0, mean = 0;
  bool dueling;

  __device__ QRow(const float* row, const DqnLayout& layout) : a(row), dueling(layout.dueling) {
    if (!dueling) return;
    a = row + 4;
    value = row[0];
    for (int k = 0; k < layout.actions; ++k) mean += a[k];
    mean /= static_cast<float>(layout.actions);
  }
  __device__ float operator[](int k) const { return dueling ? value + a[k] - mean : a[k]; }
  /// As cuda/ops/argmax.cuh.
  __device__ int best(int actions) const {
    int best = 0;
    float largest = (*this)[0];
    for (int k = 1; k < actions; ++k) {
      const float q = (*this)[k];
      if (q > largest) {
        largest = q;
        best = k;
      }
    }
    return best;
  }
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
