// The look at loss and gradient before an optimiser's step (core/backend.h): held = loss or a number of g is
// not finite, place = 1 + the first such number of g.
//
// As global_norm.cu: every thread finds the first of its share, every block of its threads', one block of the
// blocks'; the least of integers has no order to keep. A small network takes one block and one launch.

#include <algorithm>

#include "core/step_guard.h"
#include "cuda/elementwise.cuh"
#include "cuda/ops.h"
#include "cuda/reduce.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

constexpr unsigned kGuardThreads = 512;
constexpr std::int32_t kNowhere = 0x7fffffff;

/// Thread 0's alone: what a step with that first place and that loss makes of the guard.
__device__ void decide(std::int32_t* guard, std::int32_t first, float loss, Holding holding) {
  if (guard[kHeld] != 0 && holding == Holding::kForGood) return;
  const bool held = guard[kOverflowed] != 0 || first != kNowhere || !isfinite(loss);
  guard[kPlace] = first == kNowhere ? 0 : first + 1;
  guard[kHeld] = held;
  guard[kSkipped] += held;
}

/// The first place that this thread sees; a step over the grid goes through places in rising order.
__device__ std::int32_t first_of_thread(const float* g, Index n, bool by_fours) {
  const Index threads = static_cast<Index>(gridDim.x) * blockDim.x;
  const Index thread = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
  const Index fours = by_fours ? n / 4 : 0;
  std::int32_t first = kNowhere;
  const auto look = [&](float number, Index place) {
    if (!isfinite(number)) first = min(first, static_cast<std::int32_t>(place));
  };
  for (Index i = thread; i < fours; i += threads) {
    const float4 four = reinterpret_cast<const float4*>(g)[i];
    look(four.x, 4 * i);
    look(four.y, 4 * i + 1);
    look(four.z, 4 * i + 2);
    look(four.w, 4 * i + 3);
  }
  for (Index i = 4 * fours + thread; i < n; i += threads) look(g[i], i);
  return first;
}

/// g(N): a block's first place goes to partial[block], or to the guard where that is given and the block is
/// the only one.
__global__ void __launch_bounds__(kGuardThreads)
    first_kernel(std::int32_t* partial, std::int32_t* guard, const float* loss, const float* g, Index n,
                 bool by_fours, Holding holding) {
  BELLMAN_SHARED(std::int32_t, warps, [kWarp]);
  const std::int32_t first = block_reduce(first_of_thread(g, n, by_fours), warps, Least{});
  if (threadIdx.x != 0) return;
  if (guard)
    decide(guard, first, *loss, holding);
  else
    partial[blockIdx.x] = first;
}

/// partial(count). One block.
__global__ void __launch_bounds__(kGuardThreads)
    decide_kernel(std::int32_t* guard, const std::int32_t* partial, Index count, const float* loss,
                  Holding holding) {
  BELLMAN_SHARED(std::int32_t, warps, [kWarp]);
  std::int32_t first = kNowhere;
  for (Index i = threadIdx.x; i < count; i += blockDim.x) first = min(first, partial[i]);
  first = block_reduce(first, warps, Least{});
  if (threadIdx.x == 0) decide(guard, first, *loss, holding);
}

}  // namespace

void guard_step(Stream& stream, IntTensor guard, In loss, In g, Holding holding) {
  constexpr Index kOneBlock = 32 * kGuardThreads, kOfThread = 16, kMostBlocks = 1024;
  const Index n = g.elements();
  const bool by_fours = begins_at_16_bytes(g.data());
  if (n <= kOneBlock) {
    const unsigned threads = block_for(std::max(Index{1}, (n + 3) / 4), kGuardThreads);
    launch(stream, first_kernel, dim3(1), dim3(threads), 0, nullptr, guard.data(), loss.data(), g.data(), n,
           by_fours, holding);
    return;
  }
  const Index blocks =
      std::min(kMostBlocks, (n + kOfThread * kGuardThreads - 1) / (kOfThread * kGuardThreads));
  auto* const partial =
      static_cast<std::int32_t*>(stream.scratch(static_cast<std::size_t>(blocks) * sizeof(std::int32_t)));
  launch(stream, first_kernel, dim3(static_cast<unsigned>(blocks)), dim3(kGuardThreads), 0, partial, nullptr,
         loss.data(), g.data(), n, by_fours, holding);
  launch(stream, decide_kernel, dim3(1), dim3(block_for(blocks, kGuardThreads)), 0, guard.data(), partial,
         blocks, loss.data(), holding);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
