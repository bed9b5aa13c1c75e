// AgentLoop: steps of environments, rounds, and what is due after them.
#pragma once

#include "core/ops/replay_ops.h"
#include "cuda/agent_kernel/agent_loop.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

inline constexpr std::int64_t kEpisodeNumbers = std::int64_t{1} << 24;  // the range of a RandomStream's index

/// A step of every environment of the training, or of every running episode of an evaluation: both share one
/// forward pass, so that the kernel contains it once.
template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::play(bool evaluating) {
  const int all = evaluating ? static_cast<int>(now().counts.eval_envs) : given_.ring.envs;
  for (int first = 0; first < all; first += learner_.rows()) {
    const int rows = min(learner_.rows(), all - first);
    const std::int32_t explored = exploratory_action_of(evaluating, first + min(thread_, rows - 1));
    // Then no Q-values are needed. The same in all threads; false where checking all environments would cost
    // more. Not in an evaluation: there the pass's barriers separate the read of eval_running from its
    // change.
    const bool all_explore = !evaluating && (rows == 1 ? explored >= 0 : epsilon(false) >= 1);
    if (!all_explore) {
      const double* const states =
          of<double>(evaluating ? at_.eval_physical : at_.physical) + kStateNumbers * first;
      learner_.act(rows, [&](int n, int i) { return given_.env.observed(states + kStateNumbers * n, i); });
    }
    if (thread_ < rows) move(evaluating, first + thread_, thread_, explored);
  }
}

template <bool target_shared>
__device__ __forceinline__ double AgentLoop<target_shared>::epsilon(bool evaluating) const {
  return evaluating ? settings().eval_epsilon : value_at(settings().epsilon, now().counts.timestep);
}

template <bool target_shared>
__device__ __forceinline__ RandomStream AgentLoop<target_shared>::stream_of(bool evaluating, int env,
                                                                            Purpose evaluation,
                                                                            Purpose training) const {
  if (!evaluating) return {settings().seed, training, static_cast<std::uint32_t>(env)};
  const std::int64_t number = (now().counts.first_episode + env) % kEpisodeNumbers;
  return {eval_seed(), evaluation, static_cast<std::uint32_t>(number)};
}

template <bool target_shared>
__device__ __forceinline__ std::int32_t AgentLoop<target_shared>::exploratory_action_of(bool evaluating,
                                                                                        int env) const {
  const AgentCounts& counts = now().counts;
  return explored_action(stream_of(evaluating, env, Purpose::kEvaluationExploration, Purpose::kExploration),
                         static_cast<std::uint64_t>(evaluating ? counts.eval_step : counts.rounds),
                         epsilon(evaluating), static_cast<std::uint32_t>(given_.env.actions));
}

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::move(bool evaluating, int env, int row,
                                                               std::int32_t explored) {
  if (evaluating && of<std::int32_t>(at_.eval_ends)[env] > 0) return;
  double* const state = of<double>(evaluating ? at_.eval_physical : at_.physical) + kStateNumbers * env;
  const std::int64_t draw = evaluating ? now().counts.eval_step + 1 : of<std::int64_t>(at_.draws)[env]++;
  const std::int32_t action = explored >= 0 ? explored : argmax(learner_.q_values(row), given_.env.actions);
  const DeviceEnv::Outcome outcome =
      given_.env.step(state, action, stream_of(evaluating, env, Purpose::kEvaluation, Purpose::kEnvironment),
                      static_cast<std::uint64_t>(draw));
  if (evaluating)
    count_eval_step(env, outcome);
  else
    record_step(env, state, action, outcome);
}

/// The first episodes.
template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::begin() {
  for (int env = thread_; env < given_.ring.envs; env += kFusedThreads) {
    EnvReplay replay(at_, given_.ring, block(), env);
    begin_episode(replay, env);
  }
  if (thread_ == 0) next().counts.phase = AgentPhase::kRound;
}

/// The environment begins an episode, whose first observation goes into the replay.
template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::begin_episode(EnvReplay& replay, int env) {
  double* const state = of<double>(at_.physical) + kStateNumbers * env;
  given_.env.reset(state, {settings().seed, Purpose::kEnvironment, static_cast<std::uint32_t>(env)},
                   static_cast<std::uint64_t>(of<std::int64_t>(at_.draws)[env]++));
  of<std::int64_t>(at_.elapsed)[env] = 0;
  of<double>(at_.returns)[env] = 0;
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
  __syncthreads();  // the environments' changes and episodes are complete
  if (thread_ == 0) update_sampler();
  if (given_.prioritized)
    update_tree();
  else
    __syncthreads();  // `next`, the list and the count of what can be sampled are complete
  learn_and_sync();
}

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::record_step(int env, double* state,
                                                                      std::int32_t action,
                                                                      const DeviceEnv::Outcome& outcome) {
  const std::int64_t length = ++of<std::int64_t>(at_.elapsed)[env];
  const Index limit = given_.env.max_episode_steps;
  const bool truncated = limit > 0 && length >= limit, ended = outcome.terminated || truncated;
  double& episode_return = of<double>(at_.returns)[env];
  episode_return += static_cast<double>(outcome.reward);

  EnvReplay replay(at_, given_.ring, block(), env);
  replay.add(action, learning_reward(outcome.reward), outcome.terminated, truncated, settings().gamma);
  float* const seen = of<float>(at_.observations) + static_cast<Index>(replay.slot()) * given_.env.inputs;
  for (int i = 0; i < given_.env.inputs; ++i) seen[i] = given_.env.observed(state, i);

  of<std::int64_t>(at_.ended)[env] = ended ? length : 0;
  if (!ended) return;
  of<double>(at_.ended_returns)[env] = episode_return;
  begin_episode(replay, env);
}

template <bool target_shared>
__device__ __forceinline__ float AgentLoop<target_shared>::learning_reward(float reward) const {
  const double scaled = settings().reward_scale * static_cast<double>(reward), clip = settings().reward_clip;
  if (clip == 0) return static_cast<float>(scaled);
  return static_cast<float>(scaled < -clip ? -clip : scaled > clip ? clip : scaled);
}

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::learn_and_sync() {
  for (int after = 1; after <= given_.ring.envs && !learner_.failed(); ++after) {
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
      learner_.store_online(of<float>(at_.kept));
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
      learner_.load_online(of<float>(at_.kept));
      if (thread_ == 0) evaluate_next(EvalKind::kFinal, settings().final_eval_episodes);
  }
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
