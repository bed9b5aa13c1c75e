// AgentLoop: rounds, and what is due after them.
#pragma once

#include "core/ops/replay_ops.h"
#include "cuda/agent_kernel/agent_loop.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// The first episodes.
template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::begin() {
  for (int lane = thread_; lane < given_.lanes.lanes; lane += kFusedThreads) {
    LaneReplay replay(at_, given_.lanes, block(), lane);
    show(replay, lane);
  }
  if (thread_ == 0) next().counts.phase = AgentPhase::kRound;
}

/// The lane's environment begins an episode, whose first observation goes into the replay.
template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::show(LaneReplay& replay, int lane) {
  double* const state = of<double>(at_.physical) + kLaneNumbers * lane;
  given_.env.reset(state, {settings().seed, Purpose::kEnvironment, static_cast<std::uint32_t>(lane)},
                   static_cast<std::uint64_t>(of<std::int64_t>(at_.draws)[lane]++));
  of<std::int64_t>(at_.elapsed)[lane] = 0;
  of<double>(at_.returns)[lane] = 0;
  replay.begin_episode();
  float* const row = of<float>(at_.observations) + static_cast<Index>(replay.slot()) * given_.env.inputs;
  for (int i = 0; i < given_.env.inputs; ++i) row[i] = given_.env.observed(state, i);
}

template <bool target_shared>
__device__ __forceinline__ bool AgentLoop<target_shared>::trains_on() const {
  const AgentCounts& counts = now().counts;
  const bool solved = settings().stop_when_solved && counts.solved_at_timestep >= 0;
  return counts.timestep < settings().total_timesteps && !solved;
}

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::round() {
  __syncthreads();  // the lanes' changes and episodes are there
  if (thread_ == 0) settle();
  if (given_.prioritized)
    settle_tree();
  else
    __syncthreads();  // `next` is there, the list and the count of what can be sampled
  finish_round();
}

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::keep_step(int lane, double* state,
                                                                    std::int32_t action,
                                                                    const LaneEnv::Outcome& outcome) {
  const std::int64_t length = ++of<std::int64_t>(at_.elapsed)[lane];
  const Index limit = given_.env.max_episode_steps;
  const bool truncated = limit > 0 && length >= limit, ended = outcome.terminated || truncated;
  double& episode_return = of<double>(at_.returns)[lane];
  episode_return += static_cast<double>(outcome.reward);

  LaneReplay replay(at_, given_.lanes, block(), lane);
  replay.add(action, learning_reward(outcome.reward), outcome.terminated, truncated, settings().gamma);
  float* const seen = of<float>(at_.observations) + static_cast<Index>(replay.slot()) * given_.env.inputs;
  for (int i = 0; i < given_.env.inputs; ++i) seen[i] = given_.env.observed(state, i);

  of<std::int64_t>(at_.ended)[lane] = ended ? length : 0;
  if (!ended) return;
  of<double>(at_.ended_returns)[lane] = episode_return;
  show(replay, lane);
}

template <bool target_shared>
__device__ __forceinline__ float AgentLoop<target_shared>::learning_reward(float reward) const {
  const double scaled = settings().reward_scale * static_cast<double>(reward), clip = settings().reward_clip;
  if (clip == 0) return static_cast<float>(scaled);
  return static_cast<float>(scaled < -clip ? -clip : scaled > clip ? clip : scaled);
}

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::finish_round() {
  for (int after = 1; after <= given_.lanes.lanes && !learner_.failed(); ++after) {
    if (now().counts.timestep + after >= settings().learning_starts &&
        is_due(settings().train_frequency, after))
      for (int i = 0; i < settings().gradient_steps && !learner_.failed(); ++i) learn();
    if (settings().learner.target_network && is_due(settings().target_network_frequency, after))
      learner_.sync_target(settings().tau);
  }
  if (thread_ != 0) return;
  AgentCounts& counts = next().counts;
  counts.gradient_updates += own_.learned;
  own_.learned = 0;
  if (learner_.failed())
    counts.phase = AgentPhase::kFailed;
  else if (evaluation_is_due())
    evaluate_next(EvalKind::kPeriodic, settings().eval_episodes);
}

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::change_parameters() {
  const AgentCounts& counts = now().counts;
  const bool nothing_kept = isnan(now().numbers.kept_eval_mean) && counts.model_timestep < 0;
  switch (counts.phase) {
    case AgentPhase::kKeep:
      learner_.put_online(of<float>(at_.kept));
      if (thread_ != 0) return;
      next().counts.model_timestep = counts.timestep;
      next().counts.phase = counts.finishing ? AgentPhase::kFinish : AgentPhase::kRound;
      return;
    case AgentPhase::kFinish: {
      const bool evaluates = settings().eval_frequency > 0 && counts.evaluated_timestep != counts.timestep;
      if (thread_ != 0) return;
      next().counts.finishing = 1;
      if (evaluates)
        evaluate_next(EvalKind::kPeriodic, settings().eval_episodes);
      else
        next().counts.phase = nothing_kept ? AgentPhase::kKeep : AgentPhase::kFinal;
      return;
    }
    default:  // kFinal
      learner_.take_online(of<float>(at_.kept));
      if (thread_ == 0) evaluate_next(EvalKind::kFinal, settings().final_eval_episodes);
  }
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
