// AgentLoop: evaluations on environments of their own, as Evaluator (rl/train/evaluator.h), and what they decide,
// as Trainer.
#pragma once

#include <math.h>  // sqrt and fma on host and device

#include "core/ops/replay_ops.h"
#include "cuda/agent_kernel/agent_loop.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::evaluate_next(EvalKind kind, Index episodes) {
  AgentCounts& counts = next().counts;
  counts.phase = AgentPhase::kEvalBegin;
  counts.eval_kind = kind;
  counts.eval_lanes = episodes;
  if (kind == EvalKind::kFinal) counts.next_episode = 0;  // an evaluator of its own
  counts.first_episode = counts.next_episode;
  counts.next_episode += episodes;
  counts.eval_step = 0;
}

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::begin_evaluation() {
  const AgentCounts& counts = now().counts;
  for (int lane = thread_; lane < counts.eval_lanes; lane += kFusedThreads) {
    given_.env.reset(of<double>(at_.eval_physical) + kLaneNumbers * lane,
                     stream_of(true, lane, Purpose::kEvaluation, Purpose::kEnvironment), 0);
    of<double>(at_.eval_returns)[lane] = 0;
    of<std::int32_t>(at_.eval_ends)[lane] = 0;
  }
  if (thread_ != 0) return;
  own_.eval_running = static_cast<int>(counts.eval_lanes);
  next().counts.phase = AgentPhase::kEvalStep;
}

template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::count_step(int lane,
                                                                     const LaneEnv::Outcome& outcome) {
  const std::int64_t steps = now().counts.eval_step + 1;
  of<double>(at_.eval_returns)[lane] += static_cast<double>(outcome.reward);
  if (!outcome.terminated && steps < given_.env.eval_episode_steps) return;
  of<std::int32_t>(at_.eval_ends)[lane] = static_cast<std::int32_t>(steps);
  atomicAdd(&own_.eval_running, -1);
}

/// In the order in which the episodes ended, those of a step by number: so Evaluator adds them up.
template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::end_evaluation() {
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

template <bool target_shared>
__device__ __forceinline__ AgentEvaluation AgentLoop<target_shared>::summary() const {
  const int episodes = static_cast<int>(now().counts.eval_lanes);
  const double* const returns = of<double>(at_.sorted_returns);
  const double n = episodes;
  AgentEvaluation result = {.timestep = static_cast<double>(now().counts.timestep),
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
  result.std = sqrt(squares / (n > 1 ? n - 1 : 1));
  result.mean_length = static_cast<double>(steps) / n;
  return result;
}

/// Thread 0. A mean that reaches solved_return must hold over solve_confirm_episodes more.
template <bool target_shared>
__device__ __forceinline__ void AgentLoop<target_shared>::decide(const AgentEvaluation& evaluation) {
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
  of<AgentEvaluation>(at_.points)[counts.points % given_.eval_points] = evaluation;
  ++counts.points;
  if (reached && counts.solved_at_timestep < 0) counts.solved_at_timestep = counts.timestep;
  counts.phase = counts.finishing ? AgentPhase::kFinish : AgentPhase::kRound;
  if (!settings().keep_best || evaluation.mean < numbers.kept_eval_mean) return;
  numbers.kept_eval_mean = evaluation.mean;
  counts.phase = AgentPhase::kKeep;
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
