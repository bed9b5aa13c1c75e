// AgentLoop: evaluations on environments of their own, as Evaluator (rl/evaluator.h), and what they decide,
// as Trainer.
#pragma once

#include <math.h>  // sqrt and fma on host and device

#include "core/replay_ops.h"
#include "cuda/resident/agent_loop.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

inline constexpr std::int64_t kEpisodeNumbers = std::int64_t{1} << 24;  // what a RandomStream's index holds

template <FusedPlace place>
__device__ __forceinline__ void AgentLoop<place>::evaluate_next(EvalKind kind, Index episodes) {
  AgentCounts& counts = next().counts;
  counts.phase = AgentPhase::kEvalBegin;
  counts.eval_kind = kind;
  counts.eval_lanes = episodes;
  if (kind == EvalKind::kFinal) counts.next_episode = 0;  // an evaluator of its own
  counts.first_episode = counts.next_episode;
  counts.next_episode += episodes;
  counts.eval_step = 0;
}

template <FusedPlace place>
__device__ __forceinline__ void AgentLoop<place>::begin_evaluation() {
  const AgentCounts& counts = now().counts;
  for (int lane = thread_; lane < counts.eval_lanes; lane += kFusedThreads) {
    const auto number = static_cast<std::uint32_t>((counts.first_episode + lane) % kEpisodeNumbers);
    given_.env.reset(of<double>(at_.eval_physical) + 4 * lane, {eval_seed(), Purpose::kEvaluation, number},
                     0);
    of<double>(at_.eval_returns)[lane] = 0;
    of<std::int32_t>(at_.eval_ends)[lane] = 0;
  }
  if (thread_ != 0) return;
  own_.eval_running = static_cast<int>(counts.eval_lanes);
  next().counts.phase = AgentPhase::kEvalStep;
}

template <FusedPlace place>
__device__ __forceinline__ void AgentLoop<place>::step_evaluation() {
  const int episodes = static_cast<int>(now().counts.eval_lanes);
  for (int first = 0; first < episodes; first += learner_.rows()) {
    const int lanes = min(learner_.rows(), episodes - first);
    const double* const states = of<double>(at_.eval_physical) + 4 * first;
    learner_.act(lanes, [&](int n, int i) { return given_.env.observed(states + 4 * n, i); });
    if (thread_ < lanes) step_episode(first + thread_, thread_);
  }
  if (thread_ == 0) ++next().counts.eval_step;
}

template <FusedPlace place>
__device__ __forceinline__ void AgentLoop<place>::step_episode(int lane, int row) {
  std::int32_t& end = of<std::int32_t>(at_.eval_ends)[lane];
  if (end > 0) return;
  const std::int64_t t = now().counts.eval_step;
  const auto number = static_cast<std::uint32_t>((now().counts.first_episode + lane) % kEpisodeNumbers);
  std::int32_t action =
      explored_action({eval_seed(), Purpose::kEvaluationExploration, number}, static_cast<std::uint64_t>(t),
                      settings().eval_epsilon, static_cast<std::uint32_t>(given_.env.actions));
  if (action < 0) action = learner_.q_values(row).best(given_.env.actions);
  const LaneEnv::Outcome outcome =
      given_.env.step(of<double>(at_.eval_physical) + 4 * lane, action,
                      {eval_seed(), Purpose::kEvaluation, number}, static_cast<std::uint64_t>(t) + 1);
  of<double>(at_.eval_returns)[lane] += static_cast<double>(outcome.reward);
  if (!outcome.terminated && t + 1 < given_.env.eval_episode_steps) return;
  end = static_cast<std::int32_t>(t + 1);
  atomicAdd(&own_.eval_running, -1);
}

/// In the order in which the episodes ended, those of a step by number: so Evaluator adds them up.
template <FusedPlace place>
__device__ __forceinline__ void AgentLoop<place>::end_evaluation() {
  const int episodes = static_cast<int>(now().counts.eval_lanes);
  const std::int32_t* const ends = of<std::int32_t>(at_.eval_ends);
  for (int lane = thread_; lane < episodes; lane += kFusedThreads) {
    int rank = 0;
    for (int other = 0; other < episodes; ++other)
      rank += ends[other] < ends[lane] || (ends[other] == ends[lane] && other < lane);
    of<double>(at_.sorted_returns)[rank] = of<double>(at_.eval_returns)[lane];
  }
  __syncthreads();  // the returns are in their order
  if (thread_ == 0) decide(summary());
}

template <FusedPlace place>
__device__ __forceinline__ ResidentEvaluation AgentLoop<place>::summary() const {
  const int episodes = static_cast<int>(now().counts.eval_lanes);
  const double* const returns = of<double>(at_.sorted_returns);
  const double n = episodes;
  ResidentEvaluation result = {.timestep = static_cast<double>(now().counts.timestep),
                               .min = returns[0],
                               .max = returns[0],
                               .episodes = n};
  std::int64_t steps = 0;
  for (int i = 0; i < episodes; ++i) {
    result.mean += returns[i];
    result.min = min(result.min, returns[i]);
    result.max = max(result.max, returns[i]);
    steps += of<std::int32_t>(at_.eval_ends)[i];
  }
  result.mean /= n;
  double squares = 0;
  for (int i = 0; i < episodes; ++i) {
    const double off = returns[i] - result.mean;
    squares = fma(off, off, squares);  // as the host's
  }
  result.std = sqrt(squares / n);
  result.mean_length = static_cast<double>(steps) / n;
  return result;
}

/// Thread 0. A mean that reaches solved_return must hold over solve_confirm_episodes more.
template <FusedPlace place>
__device__ __forceinline__ void AgentLoop<place>::decide(const ResidentEvaluation& evaluation) {
  AgentCounts& counts = next().counts;
  AgentNumbers& numbers = next().numbers;
  const bool reached = evaluation.mean >= settings().solved_return;
  if (counts.eval_kind == EvalKind::kFinal) {
    numbers.final_evaluation = evaluation;
    counts.phase = AgentPhase::kFinished;
    return;
  }
  if (counts.eval_kind == EvalKind::kPeriodic && reached && settings().solve_confirm_episodes > 0)
    return evaluate_next(EvalKind::kConfirming, settings().solve_confirm_episodes);
  counts.evaluated_timestep = counts.timestep;
  of<ResidentEvaluation>(at_.points)[counts.points % given_.eval_points] = evaluation;
  ++counts.points;
  if (reached && counts.solved_at_timestep < 0) counts.solved_at_timestep = counts.timestep;
  counts.phase = counts.finishing ? AgentPhase::kFinish : AgentPhase::kRound;
  if (!settings().keep_best || evaluation.mean < numbers.kept_eval_mean) return;
  numbers.kept_eval_mean = evaluation.mean;
  counts.phase = AgentPhase::kKeep;
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
