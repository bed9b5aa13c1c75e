// Sums, and the like, over the threads of a warp or a block: always in the same order, so that the last bits
// never change from run to run.
#pragma once

#include "core/base/tensor.h"
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
/// NaN where one of both is.
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

/// combine(..) over a warp, in every lane; in pairs, then pairs of pairs: lanes 0 and 1 first. REQUIRES: all
/// lanes call it, and combine(a, b) = combine(b, a) to the last bit.
template <class T, class Combine>
__device__ __forceinline__ T warp_reduce(T value, Combine combine) {
  for (int distance = 1; distance < kWarp; distance *= 2)
    value = combine(value, __shfl_xor_sync(kAllLanes, value, distance));
  return value;
}

/// combine(..) over a block, in thread 0: each warp's, then theirs from the first to the last. REQUIRES: all
/// threads call it, as many as fill warps; `warps` is shared memory of 32 T, which nobody else uses until the
/// next barrier.
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

/// The sum of x(n), in thread 0: every thread adds up n / blockDim.x of them first. REQUIRES: as
/// block_reduce.
__device__ __forceinline__ double block_sum_of(const double* x, Index n, double* warps) {
  double sum = 0;
  for (Index i = threadIdx.x; i < n; i += blockDim.x) sum += x[i];
  return block_reduce(sum, warps, Sum{});
}

/// Threads for a block that shares `items`: whole warps, at most `most`.
inline unsigned block_for(Index items, unsigned most) {
  const Index threads = (items + kWarp - 1) / kWarp * kWarp;
  return threads < static_cast<Index>(most) ? static_cast<unsigned>(threads) : most;
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
