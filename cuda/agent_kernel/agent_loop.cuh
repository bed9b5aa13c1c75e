// The DQN loop of one agent by one block (core/nn/agent_kernel.h), around the fused learn step
// (cuda/fused/learner.cuh). It is a machine of phases: a tick does what the phase says and chooses the next
// one, so that a launch can end after any tick, and nothing is lost.
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
// Who computes what: lane e, an environment with its part of the replay ring, is thread e's (64 lanes at a
// time, as the layers' rows go), from the action to the write. What has an order over the lanes, the
// sampler's list and the log of episodes, is thread 0's; the sum-tree is the block's (cuda/ops/sum_tree.cuh). A
// draw is thread n's, or with priorities a warp's.
//
// What all threads go by is in shared memory twice: `now`, which nobody writes during a tick, and `next`,
// which thread 0 alone writes; at the tick's end they change places. So a tick needs one barrier for it, and
// no thread sees half a decision.
//
// The barriers: those of the passes and of the learn step; and
//   before the learner begins  where moments lie outside, their address (agent_kernel.cu)
//   after the lanes' steps     the sampler reads their changes, thread 0 their episodes
//   after the sampler          draws read its list and its count, which is in `next` (the tree's update ends
//                              with a barrier of its own)
//   after the draw             everybody reads the slots, and the numbers of the step
//   after the ranks            thread 0 adds up an evaluation's returns in the order in which they ended
//   after each tick            `next` is there
#pragma once

#include <cstdint>

#include "core/base/schedule_value.h"
#include "cuda/agent_kernel/agent_launch.h"
#include "cuda/fused/learner.cuh"
#include "cuda/ops/sum_tree.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

__device__ inline unsigned char* block_of(const AgentLaunch& given, unsigned agent) {
  return given.blocks + static_cast<Index>(agent) * given.places.block_bytes;
}

/// Of the block, in shared memory behind what the layout says.
struct AgentShared {
  AgentControl control[2];
  LearnWork work;
  AgentSettings settings;
  SetLeavesMemory leaves;
  double warps[kWarp];
  int eval_running;
  int learned;  // learn steps of this tick; changed where barriers stand before and after
};

__device__ inline double value_at(const AgentSchedule& schedule, std::int64_t step) {
  if (schedule.factor != 0) return falling(schedule.start, schedule.factor, schedule.end, step);
  return on_a_line(schedule.start, schedule.end, schedule.duration, step);
}

template <bool target_shared>
class AgentLoop {
 public:
  /// REQUIRES: `own` has the agent's control, settings and work; for all threads at the next barrier, and at
  /// once where the layout has arrays outside of shared memory.
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
      __syncthreads();  // what the next tick goes by is there
    }
    learner_.close(true);
  }
  __device__ const AgentControl& now() const { return own_.control[tick_ & 1]; }

 private:
  __device__ AgentControl& next() { return own_.control[~tick_ & 1]; }
  __device__ const AgentSettings& settings() const { return own_.settings; }
  /// The agent's arrays: worked out where they are needed, which takes no register in between.
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
        return plays ? count_evaluation_step() : end_evaluation();
      default:
        return change_parameters();
    }
  }

  // ---- steps of environments (agent_play.cuh)
  __device__ void play(bool evaluating);
  __device__ double epsilon(bool evaluating) const;
  __device__ RandomStream stream_of(bool evaluating, int lane, Purpose evaluation, Purpose training) const;
  /// The lane's action when it explores; -1: it is to be greedy.
  __device__ std::int32_t explored_by(bool evaluating, int lane) const;
  __device__ void move(bool evaluating, int lane, int row, std::int32_t explored);

  // ---- a round (agent_round.cuh)
  __device__ void begin();
  __device__ bool trains_on() const;
  /// What follows when every lane has made its step.
  __device__ void round();
  __device__ void end_training() {
    if (thread_ == 0) next().counts.phase = AgentPhase::kFinish;
  }
  __device__ void keep_step(int lane, double* state, std::int32_t action, const LaneEnv::Outcome& outcome);
  __device__ void show(LaneReplay& replay, int lane);
  __device__ float learning_reward(float reward) const;
  /// What is due after each of the round's steps; then the evaluation, when one of them is a multiple of its
  /// frequency. Little lives in registers meanwhile: the learn step needs them.
  __device__ void finish_round();
  /// At the round's step `after`, from 1.
  __device__ bool is_due(Index frequency, int after) const {
    return (now().counts.timestep + after) % frequency == 0;
  }
  __device__ bool evaluation_is_due() const {
    const Index frequency = settings().eval_frequency;
    return frequency > 0 && made() / frequency > now().counts.timestep / frequency;
  }
  /// REQUIRES: the tick makes a round. Environment steps made, those of this tick among them.
  __device__ std::int64_t made() const { return now().counts.timestep + given_.lanes.lanes; }
  /// Parameters that are kept, or evaluated at last; the run's end.
  __device__ void change_parameters();

  // ---- sampling and learning (agent_learning.cuh)
  /// Thread 0: what the lanes' writes mean for the list, and for the log.
  __device__ void settle();
  __device__ void list(std::int32_t slot);
  __device__ void strike(std::int32_t slot);
  __device__ void settle_tree();
  /// The tick's next learn step, unless there is nothing to learn from.
  __device__ void learn();
  __device__ void draw();
  __device__ void weigh();
  __device__ void update_priorities();

  // ---- evaluation (agent_evaluation.cuh)
  __device__ void begin_evaluation();
  __device__ void count_step(int lane, const LaneEnv::Outcome& outcome);
  __device__ void count_evaluation_step() {
    if (thread_ == 0) ++next().counts.eval_step;
  }
  __device__ void end_evaluation();
  __device__ AgentEvaluation summary() const;
  __device__ void decide(const AgentEvaluation& evaluation);
  __device__ std::uint64_t eval_seed() const {
    return now().counts.eval_kind == EvalKind::kFinal ? settings().final_eval_seed : settings().eval_seed;
  }
  /// Thread 0: an evaluation of that kind is what comes next.
  __device__ void evaluate_next(EvalKind kind, Index episodes);

  const AgentLaunch& given_;
  AgentShared& own_;
  const AgentPlaces& at_;
  FusedLearner<target_shared> learner_;
  const int thread_;
  int tick_ = 0;
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE

// The sections.
#include "cuda/agent_kernel/agent_evaluation.cuh"
#include "cuda/agent_kernel/agent_learning.cuh"
#include "cuda/agent_kernel/agent_play.cuh"
#include "cuda/agent_kernel/agent_round.cuh"
