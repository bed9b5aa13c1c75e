// Changes a saved state for a run that resumes with other settings.
#pragma once

#include "core/io/safetensors.h"
#include "rl/config/train_config.h"

namespace bellman {

/// Turns the state that a run of the settings `from` saved into one that a run of the settings `to` loads.
/// Most settings apply from the next environment step on and need no change of the state. But
///   - keep_best, or what evaluations measure (eval_epsilon, the environment): the best network so far is
///     dropped, and the next evaluation chooses again;
///   - solved_return, solve_confirm_episodes, or what evaluations measure: the run does not count as solved,
///     until an evaluation says so again;
///   - the environment and its options: every environment begins a new episode; what the replay holds stays;
///   - per_alpha: the weights p^alpha of the replay's transitions are computed anew from their priorities p.
/// Throws: Error, naming the setting, where that is impossible: for an environment with other observations or
/// actions, and per_alpha when it was 0 or close to it, since every p^0 is 1. REQUIRES: what decides the
/// shape of the state (network, replay, optimiser) is the same; Trainer::load refuses the rest.
void change_settings(TensorFile& state, const TrainConfig& from, const TrainConfig& to);

}  // namespace bellman
