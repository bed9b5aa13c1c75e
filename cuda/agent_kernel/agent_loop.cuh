// The DQN loop of one agent by one block (core/nn/agent_kernel.h), around the fused learn step
// (cuda/fused/learner.cuh). It is a state machine: a tick runs the current phase and chooses the next one, so
// that a launch can end after any tick without losing state.
//
//   kBegin -> kRound <-> kEvalBegin -> kEvalStep .. -> kEvalEnd (-> kKeep)
//               |
//               -> kFinish (-> evaluation) -> kKeep -> kFinal -> kEvalBegin .. kEvalEnd -> kFinished
//
// A round, the loop of Trainer (rl/train/training_run.cpp) with its names:
//
//   observations | layer 1 | .. | layer L | epsilon-greedy, step, replay | sampler
//     || draw | (weights) learn step | (priorities) || .. for every step that learns
//   then target update, and the evaluation when it is due
//
// Who computes what: thread e runs environment e with its part of the replay ring, from the action to the
// write (as many environments at a time as the layers have rows). Thread 0 updates what depends on the
// environments' order: the sampler's list and the log of episodes. The whole block updates the sum-tree
// (cuda/ops/sum_tree.cuh). Thread n, or with priorities a warp, makes draw n.
//
// The agent's control is in shared memory twice: `now`, which no thread writes during a tick, and `next`,
// which thread 0 alone writes; at the tick's end they swap. So a tick needs one barrier for it, and no thread
// sees half a decision.
//
// The barriers: those of the passes and of the learn step; and
//   before the learner begins  where moments lie outside, their address (agent_kernel.cu)
//   after the env steps        the sampler reads the changes, thread 0 the episodes
//   after the sampler          draws read its list and its count, which is in `next` (the tree's update ends
//                              with a barrier of its own)
//   after the draw             all threads read the slots, and the numbers of the step
//   after the ranks            thread 0 adds an evaluation's returns in the order in which they ended
//   after each tick            `next` is complete
#pragma once

#include <cstdint>

#include <math.h>  // sqrt and fma on host and device

#include "core/base/numeric.h"
#include "cuda/agent_kernel/agent_state.h"
#include "cuda/agent_kernel/env_replay.cuh"
#include "cuda/fused/learner.cuh"
#include "cuda/ops/sum_tree.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

__device__ inline unsigned char* block_of(const AgentLaunch& given, unsigned agent) {
  return given.blocks + static_cast<Index>(agent) * given.places.block_bytes;
}

/// The loop's own data in shared memory, after the learn step's (DqnLayout).
struct AgentShared {
  AgentControl control[2];
  LearnWork work;
  AgentSettings settings;
  SetLeavesMemory leaves;
  double warps[kWarp];
  int eval_running;
  int learned;  // learn steps of this tick; changed between barriers
};

__device__ inline double value_at(const AgentSchedule& schedule, std::int64_t step) {
  if (schedule.factor != 0) return falling(schedule.start, schedule.factor, schedule.end, step);
  return on_a_line(schedule.start, schedule.end, schedule.duration, step);
}

template <bool target_shared>
class AgentLoop {
 public:
  /// REQUIRES: `own` holds the agent's control, settings and work: by the next barrier, or already where the
  /// layout has arrays outside of shared memory.
  __device__ __forceinline__ AgentLoop(const AgentLaunch& given, AgentShared& own, float* shared)
      : given_(given),
        own_(own),
        at_(given.places),
        learner_(given.layout, own.work, shared),
        thread_(static_cast<int>(threadIdx.x)) {}

  __device__ __forceinline__ void run() {
    learner_.open();
    for (; tick_ < given_.ticks && now().counts.phase < AgentPhase::kFinished; ++tick_) {
      if (thread_ == 0) {
        next() = now();
        ++next().counts.ticks;
      }
      do_phase();
      __syncthreads();  // `next` is complete
    }
    learner_.close(true);
  }
  __device__ const AgentControl& now() const { return own_.control[tick_ & 1]; }

 private:
  __device__ AgentControl& next() { return own_.control[~tick_ & 1]; }
  __device__ const AgentSettings& settings() const { return own_.settings; }
  /// The agent's arrays. Computed at each use, which takes no register in between.
  __device__ unsigned char* block() const { return block_of(given_, blockIdx.x); }
  template <class T>
  __device__ T* of(Index where) const {
    return reinterpret_cast<T*>(block() + where);
  }

  __device__ __forceinline__ void do_phase() {
    const AgentCounts& counts = now().counts;
    const bool evaluating = counts.phase == AgentPhase::kEvalStep;
    const bool plays = evaluating ? own_.eval_running > 0 : counts.phase == AgentPhase::kRound && trains_on();
    if (plays) play(evaluating);
    switch (counts.phase) {
      case AgentPhase::kBegin:
        return begin();
      case AgentPhase::kRound:
        return plays ? round() : end_training();
      case AgentPhase::kEvalBegin:
        return begin_evaluation();
      case AgentPhase::kEvalStep:
        return plays ? advance_evaluation() : end_evaluation();
      default:
        return change_parameters();
    }
  }

  // ---- steps of environments (agent_round.cuh)
  __device__ void play(bool evaluating);
  __device__ double epsilon(bool evaluating) const;
  __device__ RandomStream stream_of(bool evaluating, int env, Purpose evaluation, Purpose training) const;
  /// The action of an environment that explores; -1: the greedy one.
  __device__ std::int32_t exploratory_action_of(bool evaluating, int env) const;
  __device__ void move(bool evaluating, int env, int row, std::int32_t explored);

  // ---- a round (agent_round.cuh)
  __device__ void begin();
  __device__ bool trains_on() const;
  /// After every environment's step.
  __device__ void round();
  __device__ void end_training() {
    if (thread_ == 0) next().counts.phase = AgentPhase::kFinish;
  }
  __device__ void record_step(int env, double* state, std::int32_t action, const DeviceEnv::Outcome& outcome);
  __device__ void begin_episode(EnvReplay& replay, int env);
  __device__ float learning_reward(float reward) const;
  /// What is due after each of the round's steps; then the evaluation, when one of them is a multiple of its
  /// frequency. Keeps little in registers: the learn step needs them.
  __device__ void learn_and_sync();
  /// At the round's step `after`, from 1.
  __device__ bool is_due(Index frequency, int after) const {
    return (now().counts.timestep + after) % frequency == 0;
  }
  __device__ bool evaluation_is_due() const {
    const Index frequency = settings().eval_frequency;
    return frequency > 0 && steps_made() / frequency > now().counts.timestep / frequency;
  }
  /// Environment steps, including this tick's. REQUIRES: the tick is a round.
  __device__ std::int64_t steps_made() const { return now().counts.timestep + given_.ring.envs; }
  /// Keeps parameters, or evaluates the kept ones; ends the run.
  __device__ void change_parameters();

  // ---- sampling and learning (agent_learning.cuh)
  /// Thread 0: applies the environments' changes to the sampler's list, and logs their episodes.
  __device__ void update_sampler();
  __device__ void add_sampleable(std::int32_t slot);
  __device__ void remove_sampleable(std::int32_t slot);
  __device__ void update_tree();
  /// The tick's next learn step, unless nothing can be sampled.
  __device__ void learn();
  __device__ void draw();
  __device__ void compute_weights();
  __device__ void update_priorities();

  // ---- evaluations on separate environments, as Evaluator (rl/train/evaluator.h), and the decisions that
  // follow from them, as Trainer
  __device__ __forceinline__ void begin_evaluation() {
    const AgentCounts& counts = now().counts;
    for (int env = thread_; env < counts.eval_envs; env += kFusedThreads) {
      given_.env.reset(of<double>(at_.eval_physical) + kStateNumbers * env,
                       stream_of(true, env, Purpose::kEvaluation, Purpose::kEnvironment), 0);
      of<double>(at_.eval_returns)[env] = 0;
      of<std::int32_t>(at_.eval_ends)[env] = 0;
    }
    if (thread_ != 0) return;
    own_.eval_running = static_cast<int>(counts.eval_envs);
    next().counts.phase = AgentPhase::kEvalStep;
  }
  __device__ __forceinline__ void count_eval_step(int env, const DeviceEnv::Outcome& outcome) {
    const std::int64_t steps = now().counts.eval_step + 1;
    of<double>(at_.eval_returns)[env] += static_cast<double>(outcome.reward);
    if (!outcome.terminated && steps < given_.env.eval_episode_steps) return;
    of<std::int32_t>(at_.eval_ends)[env] = static_cast<std::int32_t>(steps);
    atomicAdd(&own_.eval_running, -1);
  }
  __device__ void advance_evaluation() {
    if (thread_ == 0) ++next().counts.eval_step;
  }
  /// Sorts the returns by the step in which the episodes ended, then by number: the order in which Evaluator
  /// adds them.
  __device__ __forceinline__ void end_evaluation() {
    const int episodes = static_cast<int>(now().counts.eval_envs);
    const std::int32_t* const ends = of<std::int32_t>(at_.eval_ends);
    for (int env = thread_; env < episodes; env += kFusedThreads) {
      int rank = 0;
      for (int other = 0; other < episodes; ++other)
        rank += ends[other] < ends[env] || (ends[other] == ends[env] && other < env);
      of<double>(at_.sorted_returns)[rank] = of<double>(at_.eval_returns)[env];
    }
    __syncthreads();  // the returns are sorted
    if (thread_ == 0) decide(summary());
  }
  __device__ __forceinline__ AgentEvaluation summary() const {
    const int episodes = static_cast<int>(now().counts.eval_envs);
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
      squares = fma(off, off, squares);  // as on the host
    }
    result.std = sqrt(squares / (n > 1 ? n - 1 : 1));
    result.mean_length = static_cast<double>(steps) / n;
    return result;
  }
  /// Thread 0. A mean that reaches solved_return must hold over solve_confirm_episodes more.
  __device__ __forceinline__ void decide(const AgentEvaluation& evaluation) {
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
  __device__ std::uint64_t eval_seed() const {
    return now().counts.eval_kind == EvalKind::kFinal ? settings().final_eval_seed : settings().eval_seed;
  }
  /// Thread 0: an evaluation of that kind comes next.
  __device__ __forceinline__ void evaluate_next(EvalKind kind, Index episodes) {
    AgentCounts& counts = next().counts;
    counts.phase = AgentPhase::kEvalBegin;
    counts.eval_kind = kind;
    counts.eval_envs = episodes;
    if (kind == EvalKind::kFinal) counts.next_episode = 0;  // an evaluator of its own
    counts.first_episode = counts.next_episode;
    counts.next_episode += episodes;
    counts.eval_step = 0;
  }

  const AgentLaunch& given_;
  AgentShared& own_;
  const AgentPlaces& at_;
  FusedLearner<target_shared> learner_;
  const int thread_;
  int tick_ = 0;
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE

// The sections.
#include "cuda/agent_kernel/agent_learning.cuh"
#include "cuda/agent_kernel/agent_round.cuh"
