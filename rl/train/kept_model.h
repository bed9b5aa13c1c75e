// The model file of a run.
#pragma once

#include <span>

#include "rl/config/train_config.h"
#include "rl/train/model_file.h"
#include "rl/train/trainer.h"

namespace bellman {

/// What `trainer` keeps. REQUIRES: it trains with this configuration, and has run or calls its model hook.
Model kept_model(const TrainConfig& config, const Trainer& trainer);

/// Of a run on parameters that lie elsewhere, in the layout of `network`, and were the present ones after
/// `timestep` environment steps; observations are not normalised.
Model kept_model(const TrainConfig& config, const Network& network, std::span<const float> parameters,
                 Index timestep);

}  // namespace bellman
