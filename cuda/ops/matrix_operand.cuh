// Row-major matrices as operands and results of cuda/ops/gemm_tile.cuh.
#pragma once

#include <cstdint>

#include "core/base/tensor.h"
#include "cuda/base/dialect.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// Four numbers from `data` on; only `count` of them exist, and the others are 0. `aligned`: where all four
/// exist, data is aligned to 16 bytes.
__device__ __forceinline__ float4 load_up_to_4(const float* data, int count, bool aligned) {
  if (aligned && count >= 4) return *reinterpret_cast<const float4*>(data);
  float4 quad = make_float4(0.0F, 0.0F, 0.0F, 0.0F);
  if (count > 0) quad.x = data[0];
  if (count > 1) quad.y = data[1];
  if (count > 2) quad.z = data[2];
  if (count > 3) quad.w = data[3];
  return quad;
}

/// Stores as many of the four as there is room for.
__device__ __forceinline__ void store_up_to_4(float* data, float4 quad, int room, bool aligned) {
  if (aligned && room >= 4) {
    *reinterpret_cast<float4*>(data) = quad;
    return;
  }
  if (room > 0) data[0] = quad.x;
  if (room > 1) data[1] = quad.y;
  if (room > 2) data[2] = quad.z;
  if (room > 3) data[3] = quad.w;
}

// REQUIRES of both: the matrix has at most kLargestCount elements (cuda/base/integers.h), so that offsets fit
// an int.

/// element(row, k) = data[row stride + k], for DepthQuads. 0 from `end` on.
struct MatrixAlongDepth {
  const float* __restrict__ data;
  int rows, stride, end;
  bool aligned;  // rows start at 16 bytes: float4 loads

  using Place = int;  // the offset of the row's start, -1 outside
  __device__ Place place(int row) const { return row < rows ? row * stride : -1; }
  __device__ float4 along_depth(Place at, int k) const {
    return at >= 0 && k < end ? load_up_to_4(data + (at + k), end - k, aligned)
                              : make_float4(0.0F, 0.0F, 0.0F, 0.0F);
  }
};

/// element(row, k) = data[k stride + row], for RowQuads. 0 from `end` on.
struct MatrixAcrossRows {
  const float* __restrict__ data;
  int rows, stride, end;
  bool aligned;

  using Place = int;
  __device__ Place place(int row) const { return row; }
  __device__ float4 across_rows(Place row, int k) const {
    return k < end && row < rows ? load_up_to_4(data + (k * stride + row), rows - row, aligned)
                                 : make_float4(0.0F, 0.0F, 0.0F, 0.0F);
  }
};

/// Overwrites a row-major matrix with the products, or adds them to it.
struct WriteMatrix {
  float* data;
  int rows, columns;
  bool accumulate, aligned;

  __device__ void operator()(int row, int column, float4 product) const {
    const int room = columns - column;
    if (row >= rows || room <= 0) return;
    float* const to = data + static_cast<Index>(row) * columns + column;
    if (accumulate) {
      const float4 before = load_up_to_4(to, room, aligned);
      product =
          make_float4(before.x + product.x, before.y + product.y, before.z + product.z, before.w + product.w);
    }
    store_up_to_4(to, product, room, aligned);
  }
};

/// Whether every row of a row-major matrix starts at 16 bytes.
inline bool rows_are_aligned(const float* data, Index columns) {
  return columns % 4 == 0 && reinterpret_cast<std::uintptr_t>(data) % 16 == 0;
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
