// AgentLoop: rounds, and what is due after them.
#pragma once

#include "core/replay_ops.h"
#include "cuda/resident/agent_loop.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// The first episodes.
template <FusedPlace place>
__device__ __forceinline__ void AgentLoop<place>::begin() {
  for (int lane = thread_; lane < given_.lanes.lanes; lane += kFusedThreads) {
    LaneReplay replay(at_, given_.lanes, block(), lane);
    show(replay, lane);
  }
  if (thread_ == 0) next().counts.phase = AgentPhase::kRound;
}

/// The lane's environment begins an episode, whose first observation goes into the replay.
template <FusedPlace place>
__device__ __forceinline__ void AgentLoop<place>::show(LaneReplay& replay, int lane) {
  double* const state = of<double>(at_.physical) + 4 * lane;
  given_.env.reset(state, {settings().seed, Purpose::kEnvironment, static_cast<std::uint32_t>(lane)},
                   static_cast<std::uint64_t>(of<std::int64_t>(at_.draws)[lane]++));
  of<std::int64_t>(at_.elapsed)[lane] = 0;
  of<double>(at_.returns)[lane] = 0;
  replay.begin_episode();
  float* const row = of<float>(at_.observations) + static_cast<Index>(replay.slot()) * given_.env.inputs;
  for (int i = 0; i < given_.env.inputs; ++i) row[i] = given_.env.observed(state, i);
}

template <FusedPlace place>
__device__ __forceinline__ void AgentLoop<place>::round() {
  const AgentCounts& counts = now().counts;
  if (counts.done_timestep == counts.timestep) {  // otherwise an evaluation came between
    const bool solved = settings().stop_when_solved && counts.solved_at_timestep >= 0;
    if (counts.timestep >= settings().total_timesteps || solved) {
      if (thread_ == 0) next().counts.phase = AgentPhase::kFinish;
      return;
    }
    const int lanes = given_.lanes.lanes;
    for (int first = 0; first < lanes; first += learner_.rows())
      act_and_step(first, min(learner_.rows(), lanes - first));
    __syncthreads();  // the lanes' changes and episodes are there
    if (thread_ == 0) settle();
    if (given_.prioritized)
      settle_tree();
    else
      __syncthreads();  // the list is there, and the count of what can be sampled
  }
  finish_round();
}

template <FusedPlace place>
__device__ __forceinline__ void AgentLoop<place>::act_and_step(int first, int lanes) {
  const bool explores = all_explore(first, lanes);
  if (!explores) {
    const float* const observations = of<float>(at_.observations);
    const std::int32_t* const heads = of<std::int32_t>(at_.heads);
    learner_.act(lanes, [&](int n, int i) {
      const Index slot = static_cast<Index>(first + n) * given_.lanes.slots_per_lane + heads[first + n];
      return observations[slot * given_.env.inputs + i];
    });
  }
  if (thread_ < lanes) step_lane(first + thread_, thread_, explores);
}

/// Nobody has to know Q-values. The same in all threads; may say no where looking at all lanes would cost
/// more.
template <FusedPlace place>
__device__ __forceinline__ bool AgentLoop<place>::all_explore(int first, int lanes) const {
  return lanes == 1 ? explored(first) >= 0 : value_at(settings().epsilon, now().counts.timestep) >= 1;
}

template <FusedPlace place>
__device__ __forceinline__ std::int32_t AgentLoop<place>::explored(int lane) const {
  const EpsilonGreedy options = {.seed = settings().seed,
                                 .round = static_cast<std::uint64_t>(now().counts.rounds),
                                 .epsilon = value_at(settings().epsilon, now().counts.timestep)};
  return exploratory_action(options, static_cast<std::uint32_t>(lane),
                            static_cast<std::uint32_t>(given_.env.actions));
}

template <FusedPlace place>
__device__ __forceinline__ void AgentLoop<place>::step_lane(int lane, int row, bool explores) {
  std::int32_t action = explored(lane);
  if (!explores && action < 0) action = learner_.q_values(row).best(given_.env.actions);
  double* const state = of<double>(at_.physical) + 4 * lane;
  const LaneEnv::Outcome outcome = given_.env.step(
      state, action, {settings().seed, Purpose::kEnvironment, static_cast<std::uint32_t>(lane)},
      static_cast<std::uint64_t>(of<std::int64_t>(at_.draws)[lane]++));
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

template <FusedPlace place>
__device__ __forceinline__ float AgentLoop<place>::learning_reward(float reward) const {
  const double scaled = settings().reward_scale * static_cast<double>(reward), clip = settings().reward_clip;
  if (clip == 0) return static_cast<float>(scaled);
  return static_cast<float>(scaled < -clip ? -clip : scaled > clip ? clip : scaled);
}

template <FusedPlace place>
__device__ __forceinline__ void AgentLoop<place>::finish_round() {
  int after = 0;  // steps that all is done for
  while (!learner_.failed() && now().counts.done_timestep + after < made()) {
    ++after;
    if (now().counts.done_timestep + after >= settings().learning_starts &&
        is_due(settings().train_frequency, after))
      for (int i = 0; i < settings().gradient_steps && !learner_.failed(); ++i) learn();
    if (settings().learner.target_network && is_due(settings().target_network_frequency, after))
      learner_.sync_target(settings().tau);
    if (evaluation_is_due(after)) break;
  }
  if (thread_ != 0) return;
  AgentCounts& counts = next().counts;
  counts.gradient_updates += own_.learned;
  own_.learned = 0;
  counts.done_timestep += after;
  if (learner_.failed())
    counts.phase = AgentPhase::kFailed;
  else if (evaluation_is_due(after))
    evaluate_next(EvalKind::kPeriodic, settings().eval_episodes);
}

template <FusedPlace place>
__device__ __forceinline__ void AgentLoop<place>::change_parameters() {
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
