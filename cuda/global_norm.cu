// Clipping by global norm (Pascanu et al. 2013, algorithm 1): norm = sqrt(sum g^2), summed in double, and
// g <- g min(1, max_norm / (norm + 1e-6)).
//
// Every thread adds up its share, every block its threads', and one block the blocks'. How many blocks there
// are depends on the number of elements alone, so the order of the sum does, too. A small network takes one
// block and one launch.

#include <algorithm>
#include <cmath>

#include "cuda/elementwise.cuh"
#include "cuda/ops.h"
#include "cuda/reduce.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

constexpr unsigned kNormThreads = 512;

struct AddSquare {
  double& sum;
  __device__ void operator()(const float& g) const { sum += static_cast<double>(g) * static_cast<double>(g); }
};

/// g(N): a block's sum of squares goes to partial[block], or its root to norm where that is given and the
/// block is the only one.
__global__ void __launch_bounds__(kNormThreads)
    squares_kernel(double* partial, float* norm, const float* g, Index n, bool by_fours) {
  BELLMAN_SHARED(double, warps, [kWarp]);
  double sum = 0;
  for_each_element(n, by_fours, AddSquare{sum}, Read{g});
  sum = block_reduce(sum, warps, Sum{});
  if (threadIdx.x != 0) return;
  if (norm)
    *norm = static_cast<float>(sqrt(sum));
  else
    partial[blockIdx.x] = sum;
}

/// norm(1) = sqrt(sum of partial(count)). One block.
__global__ void __launch_bounds__(kNormThreads)
    root_of_sum_kernel(float* norm, const double* partial, Index count) {
  BELLMAN_SHARED(double, warps, [kWarp]);
  const double sum = block_sum_of(partial, count, warps);
  if (threadIdx.x == 0) *norm = static_cast<float>(sqrt(sum));
}

struct Scale {
  float factor;
  __device__ void operator()(float& g) const { g *= factor; }
};

__global__ void __launch_bounds__(kElementwiseThreads)
    clip_kernel(float* g, const float* norm, float max_norm, Index n, bool by_fours) {
  const float factor = max_norm / (*norm + 1e-6F);
  if (!(factor < 1)) return;
  for_each_element(n, by_fours, Scale{factor}, Update{g});
}

}  // namespace

void global_norm(Stream& stream, Out norm, In g) {
  constexpr Index kOneBlock = 32 * kNormThreads, kOfThread = 16, kMostBlocks = 1024;
  const Index n = g.elements();
  const bool by_fours = begins_at_16_bytes(g.data());
  if (n <= kOneBlock) {
    const unsigned threads = block_for(std::max(Index{1}, (n + 3) / 4), kNormThreads);
    launch(stream, squares_kernel, dim3(1), dim3(threads), 0, nullptr, norm.data(), g.data(), n, by_fours);
    return;
  }
  const Index blocks = std::min(kMostBlocks, (n + kOfThread * kNormThreads - 1) / (kOfThread * kNormThreads));
  auto* const partial =
      static_cast<double*>(stream.scratch(static_cast<std::size_t>(blocks) * sizeof(double)));
  launch(stream, squares_kernel, dim3(static_cast<unsigned>(blocks)), dim3(kNormThreads), 0, partial, nullptr,
         g.data(), n, by_fours);
  launch(stream, root_of_sum_kernel, dim3(1), dim3(block_for(blocks, kNormThreads)), 0, norm.data(), partial,
         blocks);
}

void clip_by_global_norm(Stream& stream, Out g, In norm, float max_norm) {
  const Index n = g.elements();
  if (n == 0) return;
  const bool by_fours = begins_at_16_bytes(g.data());
  const ElementwiseGrid size(n, by_fours);
  launch(stream, clip_kernel, size.grid, size.block, 0, g.data(), norm.data(), max_norm, n, by_fours);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
