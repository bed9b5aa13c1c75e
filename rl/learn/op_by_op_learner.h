// The plain learner: one learn step is DqnUpdate's ops on a batch that is gathered and uploaded.
#pragma once

#include <span>
#include <vector>

#include "rl/learn/dqn_update.h"
#include "rl/learn/learner.h"
#include "rl/replay/observation_store.h"

namespace bellman {

class OpByOpLearner final : public Learner {
 public:
  /// Throws: Error as DqnUpdate does. REQUIRES: backend and network outlive the learner.
  OpByOpLearner(Backend& backend, const Network& network, const LearnerOptions& options);

  std::string description() const override { return "op by op"; }
  void q_values(std::span<float> q, std::span<const float> observations, Index n) override;
  LearnStats learn(const Batch& batch, float learning_rate, std::span<float> td_error) override;
  void update_target(float tau) override { update_.update_target(tau); }
  void get_parameters(std::span<float> out) override { update_.parameters().get(out); }
  void set_parameters(std::span<const float> in) override { update_.parameters().set(in); }

  void save(StateWriter& out) const override { update_.parameters().save(out); }
  void load(const StateReader& in) override { update_.load(in); }

  /// For a training step that has its batches in the backend's memory.
  DqnUpdate& update() { return update_; }

  // For tests and teaching.
  const Arena& online() const { return update_.online(); }
  const Arena& target() const { return update_.target(); }
  const Arena& gradients() const { return update_.gradients(); }
  const Optimizer& optimizer() const { return update_.optimizer(); }

 private:
  /// Host memory -> network input: a raw observation is normalised on its way.
  void put_observations(Tensor input, std::span<const float> raw);
  /// Replay slots -> network input.
  void put_stored(Tensor input, const ObservationStore& observations, std::span<const Index> slots);
  LearnStats stats(const Batch& batch, std::span<float> td_error);
  void check_guard(LearnStats& stats, const Batch& batch, std::span<const float> td_error);

  Backend& backend_;
  DqnUpdate update_;
  std::vector<float> staging_;  // observations on their way, (max(max_batch, max_acting_batch), I)
  std::vector<float> y_;        // (max_batch), host
};

}  // namespace bellman
