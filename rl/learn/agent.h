// What gathers experience and learns from it: a replay and the training step that draws from it.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/tensor.h"
#include "core/nn/fused_dqn.h"
#include "core/ops/replay_ops.h"
#include "rl/learn/learner.h"
#include "rl/learn/non_finite.h"
#include "rl/learn/phase_clock.h"
#include "rl/replay/device_replay.h"
#include "rl/replay/host_replay.h"
#include "rl/replay/replay.h"
#include "rl/state/training_state.h"

namespace bellman {

/// What a learn step depends on beside the replay, and a clock that times its parts.
struct LearnStep {
  std::uint64_t number = 0;  // gradient steps made before: its draws depend on it
  Index timestep = 0;        // environment steps made: for messages
  float learning_rate = 0;
  double beta = 1;  // exponent of the importance weights
  PhaseClock* clock = nullptr;
};

/// What became of the learn steps so far.
struct StepVerdict {
  bool held = false;  // the last one, or with OnNan::kStop an earlier one, was not finite and not applied
  bool overflowed = false;  // one was applied and left a parameter or moment that is not finite
  Index skipped = 0;        // how many were not applied
};

/// A learn step from end to end: draw a batch from the replay, make a gradient step, update the priorities. It runs where
/// the replay lies: HostTrainingStep hands batches in host memory to any Learner; DeviceTrainingStep
/// (rl/learn/device_training_step.h) does all of it in the backend's memory.
class TrainingStep {
 public:
  virtual ~TrainingStep() = default;

  Learner& learner() { return *learner_; }
  /// What makes the gradient step: "fused, with AVX-512", "op by op".
  virtual std::string description() const { return learner_->description(); }

  /// Replaces each kGreedy in action(E) by the greedy action of its environment, whose newest observation is
  /// in the replay and in its row of `observations` (E,I). May draw the other actions anew, from the same
  /// random numbers.
  virtual void act(std::span<std::int32_t> actions, std::span<const float> observations,
                   const EpsilonGreedy& exploration) = 0;

  /// `steps` learn steps, numbered from first.number on. REQUIRES: the replay is not empty; 1 <= steps <=
  /// most_steps().
  virtual void learn(const LearnStep& first, Index steps) = 0;
  virtual Index most_steps() const { return 1; }

  /// Whether learn() returns before the device has finished: verdict() and all below then wait for it.
  virtual bool is_asynchronous() const = 0;
  virtual StepVerdict verdict() = 0;
  /// The step that was held or overflowed. Slow. REQUIRES: verdict() says that there is one.
  virtual NonFiniteStep non_finite_step() = 0;
  /// Sums of loss, gradient norm (NaN without clipping) and mean Q over the steps that were applied since the
  /// last call, and the number of these steps.
  virtual std::array<double, 4> take_sums() = 0;
  /// Of the last step; NaN before the first.
  virtual float last_loss() = 0;

  /// Networks, optimiser, sums: all that changes but the number of skipped steps.
  virtual void save(StateWriter& out) = 0;
  virtual void load(const StateReader& in) = 0;
  virtual void set_skipped(Index skipped) = 0;

 protected:
  explicit TrainingStep(std::unique_ptr<Learner> learner) : learner_(std::move(learner)) {}

 private:
  std::unique_ptr<Learner> learner_;
};

/// For a replay in host memory: any learner, one step at a time.
class HostTrainingStep final : public TrainingStep {
 public:
  /// REQUIRES: the replay outlives it.
  HostTrainingStep(HostReplay& replay, std::unique_ptr<Learner> learner, Index num_actions);

  void act(std::span<std::int32_t> actions, std::span<const float> observations,
           const EpsilonGreedy& exploration) override;
  void learn(const LearnStep& first, Index steps) override;
  bool is_asynchronous() const override { return false; }
  StepVerdict verdict() override { return verdict_; }
  NonFiniteStep non_finite_step() override { return non_finite_; }
  std::array<double, 4> take_sums() override { return std::exchange(sums_, {}); }
  float last_loss() override { return last_loss_; }
  void save(StateWriter& out) override;
  void load(const StateReader& in) override;
  void set_skipped(Index skipped) override { verdict_ = {.skipped = skipped}; }

 private:
  HostReplay& replay_;
  std::vector<float> td_errors_;  // (max_batch)
  std::vector<float> q_;          // (E,A)
  StepVerdict verdict_;
  NonFiniteStep non_finite_;  // when the verdict says so
  std::array<double, 4> sums_{};
  float last_loss_ = std::numeric_limits<float>::quiet_NaN();
};

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
  /// `observations` (E,I). Where the environments are dealt out to ranks, E of them from exploration.first_env on.
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

  Replay& replay() { return *replay_; }
  /// Networks and optimiser alone, as Learner::save.
  void save_learner(StateWriter& out) { step_->learner().save(out); }

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
Agent host_agent(std::unique_ptr<HostReplay> replay, std::unique_ptr<Learner> learner, Index num_actions,
                 OnNan on_nan = OnNan::kStop);

/// An agent whose replay lies in the backend's memory, beside the networks. It draws the batches that
/// host_agent's would draw, from the same random numbers. With `fused`, of backend's device, a learn step is
/// its op. Throws and REQUIRES: as DeviceTrainingStep; `ops` work in backend's memory.
Agent device_agent(Backend& backend, ReplayOps& ops, const Network& network, ReplayRing ring,
                   const LearnerOptions& learner_options, const DeviceReplay::Options& options,
                   FusedDqnOps* fused = nullptr);

}  // namespace bellman
