// Sums, minima and maxima over the threads of a warp or a block, and over columns. The order is always the same,
// so no bit changes from run to run.
#pragma once

#include "core/base/tensor.h"
#include "cuda/base/integers.h"
#include "cuda/base/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

inline constexpr unsigned kAllLanes = 0xffffffffU;
inline constexpr int kWarp = 32;

struct Sum {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
/// NaN when either is NaN, as with Least.
struct Largest {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a < b || b != b ? b : a;
  }
};
struct Least {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return b < a || b != b ? b : a;
  }
};

/// combine(..) over a warp, the result in every lane. It goes in pairs, lanes 0 and 1 first, then in pairs of
/// pairs. REQUIRES: all lanes call it, and combine(a, b) = combine(b, a) to the last bit.
template <class T, class Combine>
__device__ __forceinline__ T warp_reduce(T value, Combine combine) {
  for (int distance = 1; distance < kWarp; distance *= 2)
    value = combine(value, __shfl_xor_sync(kAllLanes, value, distance));
  return value;
}

/// combine(..) over a block, the result in thread 0. It goes within each warp, then over the warps from first to
/// last. REQUIRES: all threads call it, and there are a multiple of 32. `warps` is shared memory of 32 T, which no
/// thread uses for anything else until the next barrier.
template <class T, class Combine>
__device__ __forceinline__ T block_reduce(T value, T* warps, Combine combine) {
  value = warp_reduce(value, combine);
  const int warp = static_cast<int>(threadIdx.x) / kWarp, count = static_cast<int>(blockDim.x) / kWarp;
  if (threadIdx.x % kWarp == 0) warps[warp] = value;
  __syncthreads();
  if (threadIdx.x == 0)
    for (int w = 1; w < count; ++w) value = combine(value, warps[w]);
  return value;
}

/// The sum of x(n), in thread 0. Each thread first adds its share, n / blockDim.x of them. REQUIRES: as
/// block_reduce.
__device__ __forceinline__ double block_sum_of(const double* x, Index n, double* warps) {
  double sum = 0;
  for (Index i = threadIdx.x; i < n; i += blockDim.x) sum += x[i];
  return block_reduce(sum, warps, Sum{});
}

/// Stream::scratch() for `count` numbers.
template <class T>
T* scratch(Stream& stream, Index count) {
  return static_cast<T*>(stream.scratch(static_cast<std::size_t>(count) * sizeof(T)));
}

/// Threads of a block for `items`: whole warps, at most `most`.
inline unsigned block_for(Index items, unsigned most) {
  const Index threads = (items + kWarp - 1) / kWarp * kWarp;
  return threads < static_cast<Index>(most) ? static_cast<unsigned>(threads) : most;
}

inline constexpr int kColumnSumThreads = 256;
inline constexpr int kSumColumns = 8;  // of a block: a sector of 32 bytes of each row

/// db(O) += the sums of kSumColumns columns of dy(B,O), from `first` on: the gradient of a bias. Each of a
/// column's 32 threads adds every 32nd row. Their sums are then added in order. `memory`: shared,
/// kColumnSumThreads floats.
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
