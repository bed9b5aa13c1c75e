// The plain learner: one learn step is a dozen ops of a Backend, one after the other, in the order of the
// mathematics. It is the definition that every faster learner is held against.
//
//   s, s', a, r, gamma^k, terminated, w  <-  the batch
//   q = Q(s, .; theta)                                                  the online network
//   y = r + gamma^k (1 - terminated) max_a Q(s', a; theta-)             judged by the target network
//       (Mnih et al. 2015), or
//       r + gamma^k (1 - terminated) Q(s', argmax_a Q(s', a; theta); theta-)
//       (Double DQN: van Hasselt et al. 2016)
//   L = 1/B sum_n w_n l(y_n - q_n[a_n])                                 no gradient flows through y
//   g = dL/dtheta, clipped by its global norm
//   theta <- theta - step(g)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/arena.h"
#include "core/backend.h"
#include "core/network.h"
#include "core/optimizer.h"
#include "rl/learner.h"
#include "rl/learner_options.h"
#include "rl/observation_store.h"

namespace bellman {

class OpByOpLearner final : public Learner {
 public:
  /// The target network starts equal to the online network.
  /// Throws: Error when the network's output is not (A), when an option is out of range, or memory is short.
  /// REQUIRES: backend and network outlive the learner.
  OpByOpLearner(Backend& backend, const Network& network, const LearnerOptions& options);

  void store(Index slot, std::span<const float> observation) override;
  void q_values(std::span<float> q, std::span<const float> observations, Index n) override;
  LearnStats learn(const Batch& batch, float learning_rate, std::span<float> td_error) override;
  void update_target(float tau) override;
  void get_parameters(std::span<float> out) override;
  void set_parameters(std::span<const float> in) override;

  // For whoever looks inside: tests, teaching, checkpoints.
  const Arena& online() const { return online_; }
  const Arena& target() const { return target_; }
  const Arena& gradients() const { return gradients_; }
  const Optimizer& optimizer() const { return optimizer_; }

 private:
  /// Host memory -> network input: a raw observation is normalised on its way.
  void put_observations(Tensor input, std::span<const float> raw);
  /// Replay slots -> network input.
  void put_stored(Tensor input, std::span<const Index> slots);
  void upload_batch(const Batch& batch);
  /// y (B), what Q(s, a) should have been.
  ConstTensor td_targets(Index b);
  void clip_gradients();
  LearnStats stats(Index b, std::span<float> td_error);

  Backend& backend_;
  const Network& network_;
  LearnerOptions options_;
  ObservationStore observations_;
  Arena online_, target_, gradients_;  // theta, theta-, dL/dtheta
  Optimizer optimizer_;
  Workspace learn_pass_;  // s, with gradients
  Workspace next_pass_;   // s'
  Workspace act_pass_;

  /// What a batch needs beside its observations, in the backend's memory; a view per array, (max_batch).
  struct BatchBlocks {
    BatchBlocks(Backend& backend, Index max_batch, Index actions);
    Block<float> action, reward, discount, terminated, weight;
    Block<float> q_next_online;  // (B,A)
    Block<float> y, td_error;
    Block<float> loss, norm;  // (1)
  } blocks_;
  std::vector<float> staging_;  // observations on their way, (max(max_batch, max_acting_batch), I)
  std::vector<float> y_;        // (max_batch), host
};

}  // namespace bellman
