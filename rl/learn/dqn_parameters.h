// What a DQN learner trains and what it remembers between steps: both networks' parameters, the gradients,
// the optimiser. Every learner keeps them in the same arenas and saves them under the same names, so that one
// goes on where another has stopped.
#pragma once

#include <span>
#include <string>

#include "core/nn/network.h"
#include "core/nn/optimizer.h"
#include "core/ops/arena.h"
#include "core/ops/backend.h"
#include "rl/learn/learner_options.h"
#include "rl/state/training_state.h"

namespace bellman {

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

  /// The first number that is not finite, by name (rl/learn/non_finite.h); empty when all are finite.
  std::string bad_gradient() const;
  std::string bad_parameter() const;  // of either network, or a moment

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

}  // namespace bellman
