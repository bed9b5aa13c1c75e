// Launches in which every row of a batch has its own thread, or its own warp.
#pragma once

#include <algorithm>

#include "core/base/tensor.h"
#include "cuda/base/reduce.cuh"
#include "cuda/base/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

inline constexpr unsigned kRowThreads = 128;  // of a block, at most

/// A thread a row. REQUIRES: rows > 0.
struct ThreadPerRow {
  explicit ThreadPerRow(Index rows) : block(block_for(rows, kRowThreads)), grid(blocks_for(rows, block.x)) {}
  dim3 block, grid;
};
__device__ __forceinline__ Index row_of_thread() {
  return static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
}

/// A warp a row. REQUIRES: rows > 0.
struct WarpPerRow {
  explicit WarpPerRow(Index rows) {
    const auto warps = static_cast<unsigned>(std::min(rows, Index{kRowThreads / kWarp}));
    block = dim3(warps * kWarp);
    grid = blocks_for(rows, warps);
  }
  dim3 grid, block;
};
__device__ __forceinline__ Index row_of_warp() { return row_of_thread() / kWarp; }
__device__ __forceinline__ int lane_of_thread() { return static_cast<int>(threadIdx.x % kWarp); }

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
