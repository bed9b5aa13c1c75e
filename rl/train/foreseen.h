// Warnings about a run before it begins: what will happen and is perhaps not what its user expects.
#pragma once

#include <string>
#include <vector>

#include "core/base/tensor.h"
#include "envs/env.h"
#include "rl/config/train_config.h"

namespace bellman {

/// A sentence each, without a full stop: learning that never starts, a goal or a threshold that is out of
/// reach, evaluations that may never end.
std::vector<std::string> foreseen(const TrainConfig& config, const EnvSpec& spec);

/// Of a run that resumes after `timestep` environment steps with another total_timesteps: which of epsilon,
/// learning rate and importance weights' exponent jump there. A sentence each.
std::vector<std::string> foreseen_jumps(const TrainConfig& before, const TrainConfig& after, Index timestep);

}  // namespace bellman
