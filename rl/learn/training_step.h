// A learn step from end to end: draw a batch from the replay, make a gradient step, update the priorities. It
// runs where the replay lies. HostTrainingStep hands batches in host memory to any Learner;
// DeviceTrainingStep does all of it in the backend's memory.
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
#include "core/ops/replay_ops.h"
#include "rl/learn/learner.h"
#include "rl/learn/non_finite.h"
#include "rl/replay/host_replay.h"
#include "rl/state/training_state.h"

namespace bellman {

/// What a learn step depends on beside the replay.
struct LearnStep {
  std::uint64_t number = 0;  // gradient steps made before: its draws depend on it
  Index timestep = 0;        // environment steps made: for messages
  float learning_rate = 0;
  double beta = 1;  // exponent of the importance weights
};

/// What became of the learn steps so far.
struct StepVerdict {
  bool held = false;  // the last one, or with OnNan::kStop an earlier one, was not finite and not applied
  bool overflowed = false;  // one was applied and left a parameter or moment that is not finite
  Index skipped = 0;        // how many were not applied
};

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

}  // namespace bellman
