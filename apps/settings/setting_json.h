// Settings as JSON has them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "apps/settings/settings.h"

namespace bellman {

/// The value with its JSON type: true, 64, 0.001, "dense 64, relu"; a word that stands for a number ("auto")
/// as a text.
nlohmann::ordered_json setting_json(const TrainConfig& config, const Setting& setting);

}  // namespace bellman
