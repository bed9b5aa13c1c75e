// Ops on tensors of any shape, and on the flat arena (core/reference/arena_ops.h).

#include <algorithm>
#include <cmath>

#include "core/ops/op_options.h"
#include "cuda/backend/cuda_backend.h"
#include "cuda/base/reduce.cuh"
#include "cuda/ops/elementwise.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

// x = value.

namespace {

struct Fill {
  float value;
  __device__ void operator()(float& x) const { x = value; }
};

}  // namespace

void CudaBackend::do_fill(Out x, float value) {
  for_each_element(stream_, x.elements(), Fill{value}, Write{x.data()});
}

// y += x.

namespace {

struct Add {
  __device__ void operator()(float& y, const float& x) const { y += x; }
};

}  // namespace

void CudaBackend::do_add(Out y, In x) {
  for_each_element(stream_, y.elements(), Add{}, Update{y.data()}, Read{x.data()});
}

// Reductions of a whole arena. Every thread reduces its part, every block its threads' results, and one block
// the blocks'. The number of blocks depends on the number of elements alone, and so does the order of a sum.
// A small network takes one block and one launch.

namespace {

constexpr unsigned kReduceThreads = 512;

struct ReductionSize {
  explicit ReductionSize(Index n) {
    constexpr Index kOneBlock = 32 * kReduceThreads, kOfBlock = 16 * kReduceThreads, kMostBlocks = 1024;
    if (n <= kOneBlock) {
      threads = block_for(std::max(Index{1}, (n + 3) / 4), kReduceThreads);
    } else {
      blocks = static_cast<unsigned>(std::min(kMostBlocks, (n + kOfBlock - 1) / kOfBlock));
    }
  }
  unsigned blocks = 1, threads = kReduceThreads;
};

}  // namespace

// Clipping by global norm (Pascanu et al. 2013, algorithm 1): norm = sqrt(sum g^2), summed in double, and
// g <- g min(1, max_norm / (norm + 1e-6)).

namespace {

struct AddSquare {
  double& sum;
  __device__ void operator()(const float& g) const { sum += static_cast<double>(g) * static_cast<double>(g); }
};

/// g(N): a block's sum of squares goes to partial[block]; or its root to norm, which only a single block
/// gets.
__global__ void __launch_bounds__(kReduceThreads)
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
__global__ void __launch_bounds__(kReduceThreads)
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

void CudaBackend::do_global_norm(Out norm, In g) {
  const Index n = g.elements();
  const ReductionSize size(n);
  const bool one = size.blocks == 1;
  double* const partial = one ? nullptr : scratch<double>(stream_, size.blocks);
  launch(stream_, squares_kernel, dim3(size.blocks), dim3(size.threads), 0, partial,
         one ? norm.data() : nullptr, g.data(), n, begins_at_16_bytes(g.data()));
  if (one) return;
  launch(stream_, root_of_sum_kernel, dim3(1), dim3(block_for(size.blocks, kReduceThreads)), 0, norm.data(),
         partial, Index{size.blocks});
}

void CudaBackend::do_clip_by_global_norm(Out g, In norm, float max_norm) {
  const Index n = g.elements();
  if (n == 0) return;
  const bool by_fours = begins_at_16_bytes(g.data());
  const ElementwiseGrid size(n, by_fours);
  launch(stream_, clip_kernel, size.grid, size.block, 0, g.data(), norm.data(), max_norm, n, by_fours);
}

// The check of loss and gradient before an optimiser's step (core/ops/backend.h): the step is skipped when
// the loss or a number of g is not finite; place = 1 + the index of the first such number.

namespace {

constexpr std::int32_t kNowhere = 0x7fffffff;

/// By thread 0 alone: updates the guard for a step with that first place and that loss.
__device__ void decide(std::int32_t* guard, std::int32_t first, float loss, SkipPolicy holding) {
  if (guard[kHeld] != 0 && holding == SkipPolicy::kForGood) return;
  const bool held = guard[kOverflowed] != 0 || first != kNowhere || !isfinite(loss);
  guard[kPlace] = first == kNowhere ? 0 : first + 1;
  guard[kHeld] = held;
  guard[kSkipped] += held;
}

/// The first place of this thread's part.
__device__ std::int32_t first_of_thread(const float* g, Index n, bool by_fours) {
  const Index threads = static_cast<Index>(gridDim.x) * blockDim.x;
  const Index thread = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
  const Index fours = by_fours ? n / 4 : 0;
  std::int32_t first = kNowhere;
  const auto check = [&](float number, Index place) {
    if (!isfinite(number)) first = min(first, static_cast<std::int32_t>(place));
  };
  for (Index i = thread; i < fours; i += threads) {
    const float4 four = reinterpret_cast<const float4*>(g)[i];
    check(four.x, 4 * i);
    check(four.y, 4 * i + 1);
    check(four.z, 4 * i + 2);
    check(four.w, 4 * i + 3);
  }
  for (Index i = 4 * fours + thread; i < n; i += threads) check(g[i], i);
  return first;
}

/// g(N): a block's first place goes to partial[block]; or to the guard, which only a single block gets.
__global__ void __launch_bounds__(kReduceThreads)
    first_kernel(std::int32_t* partial, std::int32_t* guard, const float* loss, const float* g, Index n,
                 bool by_fours, SkipPolicy holding) {
  BELLMAN_SHARED(std::int32_t, warps, [kWarp]);
  const std::int32_t first = block_reduce(first_of_thread(g, n, by_fours), warps, Least{});
  if (threadIdx.x != 0) return;
  if (guard)
    decide(guard, first, *loss, holding);
  else
    partial[blockIdx.x] = first;
}

/// partial(count). One block.
__global__ void __launch_bounds__(kReduceThreads)
    decide_kernel(std::int32_t* guard, const std::int32_t* partial, Index count, const float* loss,
                  SkipPolicy holding) {
  BELLMAN_SHARED(std::int32_t, warps, [kWarp]);
  std::int32_t first = kNowhere;
  for (Index i = threadIdx.x; i < count; i += blockDim.x) first = min(first, partial[i]);
  first = block_reduce(first, warps, Least{});
  if (threadIdx.x == 0) decide(guard, first, *loss, holding);
}

}  // namespace

void CudaBackend::do_guard_step(IntTensor guard, In loss, In g, SkipPolicy holding) {
  const Index n = g.elements();
  const ReductionSize size(n);
  const bool one = size.blocks == 1;
  std::int32_t* const partial = one ? nullptr : scratch<std::int32_t>(stream_, size.blocks);
  launch(stream_, first_kernel, dim3(size.blocks), dim3(size.threads), 0, partial,
         one ? guard.data() : nullptr, loss.data(), g.data(), n, begins_at_16_bytes(g.data()), holding);
  if (one) return;
  launch(stream_, decide_kernel, dim3(1), dim3(block_for(size.blocks, kReduceThreads)), 0, guard.data(),
         partial, Index{size.blocks}, loss.data(), holding);
}

// The target network follows the online network: target <- tau online + (1 - tau) target (Lillicrap et al.
// 2016, algorithm 1).

namespace {

struct Blend {
  float tau;
  __device__ void operator()(float& target, const float& online) const {
    target = tau * online + (1 - tau) * target;
  }
};

/// tau = 1: the target's old numbers, even NaN, do not matter.
struct Copy {
  __device__ void operator()(float& target, const float& online) const { target = online; }
};

}  // namespace

void CudaBackend::do_polyak_update(Out target, In online, float tau) {
  const Index n = target.elements();
  if (tau == 1)
    for_each_element(stream_, n, Copy{}, Write{target.data()}, Read{online.data()});
  else
    for_each_element(stream_, n, Blend{tau}, Update{target.data()}, Read{online.data()});
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
