// The gradient of a bias: sums over the rows of dy(B,O), by a block for a few columns.
#pragma once

#include "cuda/base/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

inline constexpr int kColumnSumThreads = 256;
inline constexpr int kSumColumns = 8;  // of dy that a block sums up: a sector of 32 bytes of each row

/// db += the sums of kSumColumns columns of dy(B,O), from `first` on: each column has 32 threads, each of
/// which adds up every 32nd row; then their sums are added, in their order.
__device__ inline void add_column_sums(float* memory, float* db, const float* __restrict__ dy, int B, int O,
                                       int first) {
  constexpr int kParts = kColumnSumThreads / kSumColumns;
  const int lane = threadIdx.x % kSumColumns, part = threadIdx.x / kSumColumns, column = first + lane;
  float sum = 0.0F;
  if (column < O) {
#pragma unroll 8
    for (int n = part; n < B; n += kParts) sum += dy[n * O + column];
  }
  memory[part * kSumColumns + lane] = sum;
  __syncthreads();
  if (part > 0 || column >= O) return;
#pragma unroll
  for (int other = 1; other < kParts; ++other) sum += memory[other * kSumColumns + lane];
  db[column] += sum;
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
