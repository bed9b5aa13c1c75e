// Sums whose depth was cut into pieces (cuda/ops/tile_choice.h): the pieces' sums lie one after the other and are
// added in their order.
#pragma once

#include "core/base/tensor.h"
#include "cuda/base/checked_int.h"
#include "cuda/base/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// One thread an element: x(count) += parts(pieces,count)[0] + parts[1] + ...
template <int kThreads>
__global__ void __launch_bounds__(kThreads)
    add_parts_kernel(float* x, const float* __restrict__ parts, int count, int pieces) {
  const int at = blockIdx.x * kThreads + threadIdx.x;
  if (at >= count) return;
  float sum = 0.0F;
#pragma unroll 8
  for (int piece = 0; piece < pieces; ++piece) sum += parts[static_cast<Index>(piece) * count + at];
  x[at] += sum;
}

inline void add_parts(Stream& stream, Tensor x, const float* parts, int pieces_of_sum) {
  constexpr int kThreads = 128;
  const int count = static_cast<int>(x.elements());
  launch(stream, add_parts_kernel<kThreads>, dim3(static_cast<unsigned>(pieces(count, kThreads))),
         dim3(kThreads), 0, x.data(), parts, count, pieces_of_sum);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
