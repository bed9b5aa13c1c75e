// The model file of a run that has ended.
#pragma once

#include <span>

#include "rl/model_file.h"
#include "rl/train_config.h"
#include "rl/trainer.h"

namespace bellman {

/// What `trainer` kept. REQUIRES: it has run, with this configuration and result.
Model kept_model(const TrainConfig& config, const Trainer& trainer, const TrainResult& result);

/// Of a run on parameters that lie elsewhere, in the layout of `network`; observations are not normalised.
Model kept_model(const TrainConfig& config, const Network& network, std::span<const float> parameters,
                 const TrainResult& result);

}  // namespace bellman
