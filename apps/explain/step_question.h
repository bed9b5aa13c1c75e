// What `bellman show` and `explain` are asked about a gradient step. Sizes and names follow from the run's settings, so a
// question is checked before the run is trained again for the answer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/tensor.h"
#include "rl/config/train_config.h"

namespace bellman {

/// As it was typed; nothing: not given. An empty text is an answer to no question, and is refused.
struct StepQuestion {
  std::optional<std::string> step = std::nullopt, sample = std::nullopt, tensor = std::nullopt,
                             state = std::nullopt, action = std::nullopt;

  /// The gradient step, from 1. Throws: Error that names --step and its value.
  std::optional<Index> wanted_step() const;
  /// The transition of the batch, from 0, and the action; of a run with these settings. Throws: Error that names option,
  /// value and range.
  std::optional<Index> wanted_sample(const TrainConfig& config) const;
  std::optional<Index> wanted_action(const TrainConfig& config) const;
  /// Throws: Error that names --state and what is wrong with it.
  std::optional<std::vector<double>> wanted_state(const TrainConfig& config) const;
  /// All but the step. Throws: as these do; Error, with the nearest name or all of them, for a tensor that a step of this
  /// run does not have.
  void check(const TrainConfig& config) const;
};

}  // namespace bellman
