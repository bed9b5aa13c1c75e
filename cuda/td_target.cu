// The target of temporal-difference learning, a thread a row:
//   y = reward + discount (1 - terminated) q_target[a*],   a* = arg max of q_online (Double DQN: van Hasselt
//   et al.
// 2016, eq. 4) or, without it, of q_target itself (Mnih et al. 2015, algorithm 1).

#include "cuda/argmax.cuh"
#include "cuda/checked_int.h"
#include "cuda/ops.h"
#include "cuda/rows.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

/// `judge`: q_online, or q_target. All (B,A), the rest (B).
__global__ void __launch_bounds__(kRowThreads)
    td_target_kernel(float* y, const float* q_target, const float* judge, const float* reward,
                     const float* discount, const float* terminated, Index B, int A) {
  const Index n = row_of_thread();
  if (n >= B) return;
  const std::int32_t best = argmax_of_row(judge, n, A);
  y[n] = reward[n] + discount[n] * (1 - terminated[n]) * q_target[n * A + best];
}

}  // namespace

void td_target(Stream& stream, Out y, In q_target, In q_online, In reward, In discount, In terminated) {
  const Index B = q_target[0];
  if (B == 0) return;
  const ThreadPerRow size(B);
  launch(stream, td_target_kernel, size.grid, size.block, 0, y.data(), q_target.data(),
         q_online ? q_online.data() : q_target.data(), reward.data(), discount.data(), terminated.data(), B,
         checked_int("td_target", "the number of actions", q_target[1]));
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
