// A configuration as a user would type it.
#pragma once

#include <string>

#include "rl/config/train_config.h"

namespace bellman {

/// "bellman train --env-id FrozenLake-v1 --gamma 0.9": trains with this configuration, whatever its seed, of
/// which it says nothing. As short as the presets of this build allow.
std::string train_words(const TrainConfig& config);

}  // namespace bellman
