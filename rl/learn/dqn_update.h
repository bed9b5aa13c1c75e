// One gradient step of DQN as ops of a Backend, one after the other, in the order of the mathematics, on a
// batch that lies in the backend's memory. It is the definition that every faster learner is held against.
//
//   q = Q(s, .; theta)                                                  the online network
//   y = r + gamma^k (1 - terminated) max_a Q(s', a; theta-)             judged by the target network
//       (Mnih et al. 2015), or
//       r + gamma^k (1 - terminated) Q(s', argmax_a Q(s', a; theta); theta-)
//       (Double DQN: van Hasselt et al. 2016), or
//       r + alpha clip(tau log pi(a|s), l0, 0) + gamma^k (1 - terminated) tau log sum_a exp(Q(s', a; theta-)
//       / tau) with pi the softmax of Q(., .; theta-) / tau (Munchausen DQN: Vieillard et al. 2020)
//   L = 1/B sum_n w_n l(y_n - q_n[a_n])                                 no gradient flows through y
//   g = dL/dtheta, clipped by its global norm
//   theta <- theta - step(g)                                            unless L or g is NaN or infinite
#pragma once

#include <span>
#include <string>

#include "core/nn/fused_dqn.h"
#include "core/nn/network.h"
#include "core/ops/backend.h"
#include "core/ops/replay_ops.h"
#include "rl/learn/dqn_parameters.h"
#include "rl/learn/learner_options.h"
#include "rl/state/training_state.h"

namespace bellman {

/// Owns the networks, the optimiser and the memory that a step works in. Only the constructor allocates.
class DqnUpdate {
 public:
  /// The target network starts equal to the online network.
  /// Throws: Error when the network's output is not (A), when an option is out of range, or memory is short.
  /// REQUIRES: backend and network outlive it.
  DqnUpdate(Backend& backend, const Network& network, const LearnerOptions& options);

  /// Where run(b) reads its batch: observations as the networks take them.
  struct Batch {
    Tensor observations, next_observations;  // (b, input shape)
    TransitionTensors transitions;           // (b); next_slot is not read
    Tensor weights;                          // (b)
  };
  /// Throws: Error unless 1 <= b <= max_batch.
  Batch batch(Index b) const;
  /// One gradient step on what batch(b) holds: ops alone, nothing comes from the host or goes there.
  void run(Index b, float learning_rate);

  /// For a learner that makes the step as one op: what of it lies here.
  FusedDqnMemory memory(Index b) const;
  static FusedDqnOptions fused_options(const LearnerOptions& options);
  /// What of the options no fused step does, on whatever it runs, in a few words; empty when there is
  /// nothing.
  static std::string unsupported_by_fused(const LearnerOptions& options);
  void count_steps(Index steps) { parameters_.optimizer().set_steps(optimizer().steps() + steps); }

  // What the last run(b) left.
  ConstTensor loss() const { return blocks_.loss.view<const float>({1}); }
  /// Before clipping; no tensor without clipping.
  ConstTensor gradient_norm() const;
  /// Words of core/ops/step_guard.h; with OnNan::kStop it holds for good.
  IntTensor guard() const { return blocks_.guard.view<std::int32_t>({kGuardWords}); }
  ConstTensor td_error(Index b) const { return blocks_.td_error.view<const float>({b}); }
  ConstTensor y(Index b) const { return blocks_.y.view<const float>({b}); }

  /// Where q_values(n) reads its observations. Throws: Error unless 1 <= n <= max_acting_batch.
  Tensor acting_observations(Index n) const;
  /// q(n,A) by the online network.
  ConstTensor q_values(Index n);

  void update_target(float tau) { parameters_.update_target(tau); }

  const Arena& online() const { return parameters_.online(); }
  const Arena& target() const { return parameters_.target(); }
  const Arena& gradients() const { return parameters_.gradients(); }
  const Optimizer& optimizer() const { return parameters_.optimizer(); }
  const Network& network() const { return network_; }
  const LearnerOptions& options() const { return options_; }

  // What the guard says, for the host: waits for it.
  struct Verdict {
    bool held = false, overflowed = false;
    Index skipped = 0, place = 0;
  };
  Verdict verdict() const;
  /// For who waits for every verdict: the guard is clear again, and the optimiser counts the steps it made.
  void forget_held_steps();
  /// The guard is clear, `skipped` of the optimiser's steps were held.
  void set_skipped(Index skipped);
  /// The first one that is not finite, by name (rl/learn/non_finite.h); empty when all are.
  std::string bad_gradient() const { return parameters_.bad_gradient(); }
  std::string bad_parameter() const { return parameters_.bad_parameter(); }

  /// The online network's parameters, as Learner::get_parameters and set_parameters.
  void get_parameters(std::span<float> out) const { parameters_.get(out); }
  void set_parameters(std::span<const float> in) { parameters_.set(in); }

  /// Parameters of both networks, the optimiser's moments and its count.
  void save(StateWriter& out) const { parameters_.save(out); }
  /// Throws: Error as StateReader::get.
  void load(const StateReader& in);

 private:
  void find_targets(Index b, const TransitionTensors& transitions);
  ConstTensor kept(ConstTensor q);
  void clip_gradients();

  Backend& backend_;
  const Network& network_;
  LearnerOptions options_;
  DqnParameters parameters_;
  Workspace learn_pass_;  // s, with gradients
  Workspace next_pass_;   // s'
  Workspace act_pass_;

  /// What a batch needs beside its observations, in the backend's memory; a view per array, (max_batch).
  struct Blocks {
    Blocks(Backend& backend, Index max_batch, Index actions);
    Block<float> action, next_slot, reward, discount, terminated, weight;
    Block<float> q_kept;  // (B,A): what a pass before the last one gave, of Double and Munchausen DQN
    Block<float> y, td_error;
    Block<float> loss, norm;  // (1)
    Block<float> guard;       // (kGuardWords)
  } blocks_;
};

}  // namespace bellman
