// What several ranks have, as its mean (core/nn/rank_ops.h):
//   mean(C) = (parts(N,C)[0] + parts[1] + ... + parts[N-1]) / N
// A column belongs to one thread, which adds its numbers in the order of ranks: the sums do not depend on how columns
// are dealt to threads, nor on how the ranks cut a gradient into parts.

#include "cuda/backend/cuda_backend.h"
#include "cuda/ops/elementwise.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

namespace {

__global__ void __launch_bounds__(kElementwiseThreads)
    mean_of_ranks_kernel(float* mean, const float* parts, Index N, Index C) {
  const Index threads = static_cast<Index>(gridDim.x) * blockDim.x;
  for (Index i = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x; i < C; i += threads) {
    float sum = parts[i];
    for (Index rank = 1; rank < N; ++rank) sum += parts[rank * C + i];
    mean[i] = sum / static_cast<float>(N);
  }
}

}  // namespace

void CudaBackend::do_mean_of_ranks(Out mean, In parts) {
  const ElementwiseGrid size(mean.elements(), /*by_fours=*/false);
  launch(stream_, mean_of_ranks_kernel, size.grid, size.block, 0, mean.data(), parts.data(), parts[0],
         parts[1]);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
