// What gathers experience and learns from it: a replay and the training step that draws from it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "core/nn/fused_dqn.h"
#include "core/ops/replay_ops.h"
#include "rl/learn/learner.h"
#include "rl/learn/training_step.h"
#include "rl/replay/device_replay.h"
#include "rl/replay/host_replay.h"
#include "rl/replay/replay.h"

namespace bellman {

/// `env` is the index of an environment.
class Agent {
 public:
  using LearnStep = bellman::LearnStep;

  /// REQUIRES: the step draws from this replay.
  Agent(std::unique_ptr<Replay> replay, std::unique_ptr<TrainingStep> step, Index num_actions, OnNan on_nan);

  // As Replay says.
  void begin_episode(Index env, std::span<const float> observation) {
    replay_->begin_episode(env, observation);
  }
  void restart_episode(Index env, std::span<const float> observation) {
    replay_->restart_episode(env, observation);
  }
  void add(Index env, std::int32_t action, float reward, bool terminated, bool truncated,
           std::span<const float> next_observation) {
    replay_->add(env, action, reward, terminated, truncated, next_observation);
  }

  /// action(E), epsilon-greedy: environment e shows its newest observation, which is also row e of
  /// `observations` (E,I).
  void act(std::span<std::int32_t> actions, std::span<const float> observations,
           const EpsilonGreedy& exploration);

  /// One learn step. False when there is nothing yet to learn from. A step whose loss or gradient is not
  /// finite changes nothing; with OnNan::kSkip it is counted. Otherwise, and for a step that leaves a
  /// parameter which is not finite, throws: Error, naming step, tensor and sample. An asynchronous step
  /// throws at the next take_summary(), skipped_updates() or save() instead, and the steps in between change
  /// nothing.
  bool learn(const LearnStep& step) { return learn_steps(step, 1) == 1; }
  /// `steps` learn steps, one after the other, numbered from first.number on. Returns how many there were.
  Index learn_steps(const LearnStep& first, Index steps);
  /// How many of them are launched together: the host cannot interrupt these.
  Index steps_at_once() const { return step_->most_steps(); }

  /// Means over the learn steps since the last call, without those that were skipped.
  LearnSummary take_summary();
  /// Learn steps that were skipped, since the run began.
  Index skipped_updates() { return check_guard(); }
  /// Of the last learn step; NaN before the first.
  float last_loss() { return step_->last_loss(); }

  // As Learner says.
  void q_values(std::span<float> q, std::span<const float> observations, Index n) {
    step_->learner().q_values(q, observations, n);
  }
  void update_target(float tau) { step_->learner().update_target(tau); }
  void get_parameters(std::span<float> out) { step_->learner().get_parameters(out); }
  void set_parameters(std::span<const float> in) { step_->learner().set_parameters(in); }
  std::string learner_description() const { return step_->description(); }

  const Replay& replay() const { return *replay_; }

  /// Replay, sampler, networks, optimiser, sums of the summary: all that changes. An agent of the same
  /// settings that loads it continues to the same bits. load throws: Error for a state of other settings.
  void save(StateWriter& out);
  void load(const StateReader& in);

 private:
  Index check_guard();

  std::unique_ptr<Replay> replay_;
  std::unique_ptr<TrainingStep> step_;
  Index num_actions_;
  OnNan on_nan_;
};

/// An agent whose replay lies in host memory.
Agent host_agent(HostReplay replay, std::unique_ptr<Learner> learner, Index num_actions,
                 OnNan on_nan = OnNan::kStop);

/// An agent whose replay lies in the backend's memory, beside the networks. It draws the batches that
/// host_agent's would draw, from the same random numbers. With `fused`, of backend's device, a learn step is
/// its op. Throws and REQUIRES: as DeviceTrainingStep; `ops` work in backend's memory.
Agent device_agent(Backend& backend, ReplayOps& ops, const Network& network, ReplayRing ring,
                   const LearnerOptions& learner_options, const DeviceReplay::Options& options,
                   FusedDqnOps* fused = nullptr);

}  // namespace bellman
