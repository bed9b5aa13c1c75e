// Actions for a round of environments, a thread each: with probability epsilon a random one, otherwise the
// first of the largest q(B,A) of the row. The random numbers are those of the host (core/replay_ops.h).

#include "cuda/argmax.cuh"
#include "cuda/checked_int.h"
#include "cuda/ops.h"
#include "cuda/rows.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

__global__ void __launch_bounds__(kRowThreads)
    epsilon_greedy_kernel(std::int32_t* action, const float* q, Index B, int A, EpsilonGreedy options) {
  const Index n = row_of_thread();
  if (n >= B) return;
  const std::uint32_t env = options.first_env + static_cast<std::uint32_t>(n);
  const std::int32_t explored = exploratory_action(options, env, static_cast<std::uint32_t>(A));
  action[n] = explored >= 0 ? explored : argmax_of_row(q, n, A);
}

}  // namespace

void epsilon_greedy(Stream& stream, IntTensor action, In q, const EpsilonGreedy& options) {
  if (q[0] == 0) return;
  const ThreadPerRow size(q[0]);
  launch(stream, epsilon_greedy_kernel, size.grid, size.block, 0, action.data(), q.data(), q[0],
         checked_int("epsilon_greedy", "the number of actions", q[1]), options);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
