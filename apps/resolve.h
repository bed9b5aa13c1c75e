// From flags, a config file and presets to one configuration, with the origin of every value.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "apps/config_file.h"
#include "rl/train_config.h"

namespace bellman {

struct ResolvedConfig {
  TrainConfig config;
  std::string preset;                // as it was asked for: "auto", "none", a name
  std::vector<std::string> origins;  // of each of settings(): "default", "preset textbook", "file run.toml:3"
};

/// A flag wins over the file, the file over the preset, the preset over the default. `preset` is the flag's;
/// without it the file's counts, else "auto". Throws: Error for whatever is wrong with file, preset or value;
/// whether the settings fit together is not asked here (TrainConfig::validate).
ResolvedConfig resolve(std::span<const Assignment> flags, const std::optional<std::filesystem::path>& file,
                       const std::optional<std::string>& preset);

/// TrainConfig::validate. Throws: its Error, with the origins of the settings that it names: what contradicts
/// a flag may come from a preset.
void validate(const ResolvedConfig& resolved);

/// The table of --dry-run: setting, value, origin.
std::string settings_table(const ResolvedConfig& resolved);

/// The same as JSON: {key: {"value": setting_json, "origin": text}}.
nlohmann::ordered_json settings_json(const ResolvedConfig& resolved);

}  // namespace bellman
