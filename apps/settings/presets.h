// Settings that are known to work: for each environment, and as recipes with a name.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "apps/settings/config_file.h"
#include "rl/config/train_config.h"

namespace bellman {

struct Preset {
  std::string_view name;
  std::string_view summary;
  /// Whether it applies to a configuration; null for a recipe, which only its name selects.
  bool (*belongs)(const TrainConfig& config);
  std::string_view settings;  // lines `key = value`, without quotes
};

std::span<const Preset> presets();

/// The assignments of a choice, in order. `choice` is "auto" (all presets that apply to `config`, in the
/// order of the table: later ones refine earlier ones), "none", or a preset's name. Throws: Error for an
/// unknown name, with the nearest.
std::vector<Assignment> preset_assignments(std::string_view choice, const TrainConfig& config);

}  // namespace bellman
