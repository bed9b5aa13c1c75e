// What a learn step tells, added up in double where it is (core/replay_ops.h): sums(4) += loss, norm, mean
// Q-value of the actions taken, 1; nothing for a step that is held. As td_error = y - q, that q is y -
// td_error.

#include "cuda/ops.h"
#include "cuda/reduce.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

constexpr unsigned kStatsThreads = 512;

/// sums(4), loss(1), norm(1) or null, y(B), td_error(B), guard or null. One block, for one order of the sum.
__global__ void __launch_bounds__(kStatsThreads)
    add_learn_stats_kernel(double* sums, const float* loss, const float* norm, const float* y,
                           const float* td_error, const std::int32_t* guard, Index B) {
  if (guard && guard[kHeld] != 0) return;
  BELLMAN_SHARED(double, warps, [kWarp]);
  double sum_q = 0;
  for (Index n = threadIdx.x; n < B; n += blockDim.x)
    sum_q += static_cast<double>(y[n]) - static_cast<double>(td_error[n]);
  sum_q = block_reduce(sum_q, warps, Sum{});
  if (threadIdx.x != 0) return;
  sums[0] += static_cast<double>(*loss);
  if (norm) sums[1] += static_cast<double>(*norm);
  sums[2] += sum_q / static_cast<double>(B);
  sums[3] += 1;
}

}  // namespace

void add_learn_stats(Stream& stream, DoubleTensor sums, In loss, In norm, In y, In td_error,
                     ConstIntTensor guard) {
  launch(stream, add_learn_stats_kernel, dim3(1), dim3(block_for(y[0], kStatsThreads)), 0, sums.data(),
         loss.data(), norm.data(), y.data(), td_error.data(), guard.data(), y[0]);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
