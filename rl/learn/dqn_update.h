// One gradient step of DQN as ops of a Backend, one after the other, in the order of the mathematics, on a
// batch in the backend's memory. It is the definition that tests compare every faster learner with.
//
//   q = Q(s, .; theta)                                                  the online network
//   y = r + gamma^k (1 - terminated) max_a Q(s', a; theta-)             the target network evaluates
//       (Mnih et al. 2015), or
//       r + gamma^k (1 - terminated) Q(s', argmax_a Q(s', a; theta); theta-)
//       (Double DQN: van Hasselt et al. 2016), or
//       r + alpha clip(tau log pi(a|s), l0, 0) + gamma^k (1 - terminated) tau log sum_a exp(Q(s', a; theta-)
//       / tau) with pi the softmax of Q(., .; theta-) / tau (Munchausen DQN: Vieillard et al. 2020)
//   L = 1/B sum_n w_n l(y_n - q_n[a_n])                                 no gradient flows through y
//   g = dL/dtheta, the mean over ranks where there are several, clipped by its global norm
//   theta <- theta - step(g)                                            unless L or g is NaN or infinite
#pragma once

#include <functional>
#include <span>
#include <string>

#include "core/nn/fused_dqn.h"
#include "core/nn/network.h"
#include "core/nn/optimizer.h"
#include "core/ops/arena.h"
#include "core/ops/backend.h"
#include "core/ops/replay_ops.h"
#include "rl/learn/learner.h"
#include "rl/state/training_state.h"

namespace bellman {

/// What a DQN learner trains and keeps between steps: both networks' parameters, the gradients, the optimiser.
/// Every learner has them in the same arenas and saves them under the same names, so one can continue where
/// another stopped.
class DqnParameters {
 public:
  /// Online parameters from the initialiser; the target network starts equal to them.
  /// Throws: Error when the network's output is not (A), when an option is out of range, or memory is short.
  /// REQUIRES: the backend outlives it.
  DqnParameters(Backend& backend, const Network& network, const LearnerOptions& options);

  /// target <- tau online + (1 - tau) target.
  void update_target(float tau) { backend_.polyak_update(target_.flat(), online_.flat(), tau); }

  const Arena& online() const { return online_; }
  const Arena& target() const { return target_; }
  const Arena& gradients() const { return gradients_; }
  Optimizer& optimizer() { return optimizer_; }
  const Optimizer& optimizer() const { return optimizer_; }

  /// The first parameter, of either network, or moment that is not finite, by name (rl/learn/non_finite.h);
  /// empty when all are finite.
  std::string bad_parameter() const;
  /// That or else the gradient's, and the sample that stands out.
  std::string where_not_finite(const Batch& batch, std::span<const float> td_error) const;

  /// The online network's parameters, as Learner::get_parameters and set_parameters.
  void get(std::span<float> out) const;
  void set(std::span<const float> in);

  /// Parameters of both networks, the optimiser's moments and its count.
  void save(StateWriter& out) const;
  /// Throws: Error as StateReader::get.
  void load(const StateReader& in);

 private:
  std::string first_bad(const std::string& what, const Arena& arena) const;

  Backend& backend_;
  Arena online_, target_, gradients_;  // theta, theta-, dL/dtheta
  Optimizer optimizer_;
};

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
  /// Is shown the step's tensors, by name, as soon as each is whole and before anything overwrites it: "q.now",
  /// "q.next.online", "q.next.target" (b,A), "y" (b), those of the workspace (core/nn/network.h), "gradient.<name>" as
  /// the backward pass leaves it and "clipped.<name>".
  using Watcher = std::function<void(const std::string& name, ConstTensor tensor)>;
  /// One gradient step on what batch(b) holds: ops alone, nothing comes from the host or goes there. No watcher, no
  /// cost.
  void run(Index b, float learning_rate, const Watcher& watch = {});

  /// What a fused op (core/nn/fused_dqn.h) of this step reads and writes here.
  FusedDqnMemory memory(Index b) const;
  static FusedDqnOptions fused_options(const LearnerOptions& options);
  void count_steps(Index steps) { parameters_.optimizer().set_steps(optimizer().steps() + steps); }

  // What the last run(b) left.
  ConstTensor loss() const { return blocks_.loss.view<const float>({1}); }
  /// Before clipping; no tensor without clipping.
  ConstTensor gradient_norm() const;
  /// Words of core/ops/op_options.h; with OnNan::kStop it holds for good.
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

  /// The guard's words (core/ops/op_options.h) on the host.
  struct Guard {
    bool held = false, overflowed = false;
    Index skipped = 0, place = 0;
  };
  /// Waits for the device.
  Guard read_guard() const;
  /// For a caller that reads the guard after every step: clears it, and takes held steps from the optimiser's
  /// count.
  void clear_guard();
  /// Clears the guard but for its count of skipped steps.
  void set_skipped(Index skipped);

  const DqnParameters& parameters() const { return parameters_; }
  DqnParameters& parameters() { return parameters_; }
  /// As DqnParameters::load; clears the guard.
  void load(const StateReader& in);

 private:
  void find_targets(Index b, const TransitionTensors& transitions, const Watcher& watch);
  void show_gradients(const Watcher& watch, const char* prefix) const;
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
