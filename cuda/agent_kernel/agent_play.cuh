// AgentLoop: environments move on, those of the training or the episodes of an evaluation. Both do the same
// up to what their steps then mean, and a kernel has a forward pass for actions once.
#pragma once

#include "core/ops/replay_ops.h"
#include "cuda/agent_kernel/agent_loop.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

inline constexpr std::int64_t kEpisodeNumbers = std::int64_t{1} << 24;  // what a RandomStream's index holds

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::play(bool evaluating) {
  const int all = evaluating ? static_cast<int>(now().counts.eval_lanes) : given_.lanes.lanes;
  for (int first = 0; first < all; first += learner_.rows()) {
    const int rows = min(learner_.rows(), all - first);
    const std::int32_t explored = explored_by(evaluating, first + min(thread_, rows - 1));
    // Nobody has to know Q-values. The same in all threads; may say no where looking at all lanes would cost
    // more. Not in an evaluation: the pass's barriers stand between eval_running's being read and changed.
    const bool all_explore = !evaluating && (rows == 1 ? explored >= 0 : epsilon(false) >= 1);
    if (!all_explore) {
      const double* const states =
          of<double>(evaluating ? at_.eval_physical : at_.physical) + kLaneNumbers * first;
      learner_.act(rows, [&](int n, int i) { return given_.env.observed(states + kLaneNumbers * n, i); });
    }
    if (thread_ < rows) move(evaluating, first + thread_, thread_, explored);
  }
}

template <bool target_shared>
__device__ __forceinline__ double AgentLoop<target_shared>::epsilon(bool evaluating) const {
  return evaluating ? settings().eval_epsilon : value_at(settings().epsilon, now().counts.timestep);
}

template <bool target_shared>
__device__ __forceinline__ RandomStream AgentLoop<target_shared>::stream_of(bool evaluating, int lane,
                                                                            Purpose evaluation,
                                                                            Purpose training) const {
  if (!evaluating) return {settings().seed, training, static_cast<std::uint32_t>(lane)};
  const std::int64_t number = (now().counts.first_episode + lane) % kEpisodeNumbers;
  return {eval_seed(), evaluation, static_cast<std::uint32_t>(number)};
}

template <bool target_shared>
__device__ __forceinline__ std::int32_t AgentLoop<target_shared>::explored_by(bool evaluating,
                                                                              int lane) const {
  const AgentCounts& counts = now().counts;
  return explored_action(stream_of(evaluating, lane, Purpose::kEvaluationExploration, Purpose::kExploration),
                         static_cast<std::uint64_t>(evaluating ? counts.eval_step : counts.rounds),
                         epsilon(evaluating), static_cast<std::uint32_t>(given_.env.actions));
}

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::move(bool evaluating, int lane, int row,
                                                               std::int32_t explored) {
  if (evaluating && of<std::int32_t>(at_.eval_ends)[lane] > 0) return;
  double* const state = of<double>(evaluating ? at_.eval_physical : at_.physical) + kLaneNumbers * lane;
  const std::int64_t draw = evaluating ? now().counts.eval_step + 1 : of<std::int64_t>(at_.draws)[lane]++;
  const std::int32_t action = explored >= 0 ? explored : learner_.q_values(row).best(given_.env.actions);
  const LaneEnv::Outcome outcome =
      given_.env.step(state, action, stream_of(evaluating, lane, Purpose::kEvaluation, Purpose::kEnvironment),
                      static_cast<std::uint64_t>(draw));
  if (evaluating)
    count_step(lane, outcome);
  else
    keep_step(lane, state, action, outcome);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
