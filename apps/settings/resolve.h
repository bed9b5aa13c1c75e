// From flags, a config file and presets to one configuration with the origin of every value, and back to
// flags.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "apps/settings/config_file.h"
#include "rl/config/train_config.h"

namespace bellman {

/// A setting that was given although it has no effect in the run.
struct Misplaced {
  const Setting* setting = nullptr;
  /// "--momentum applies only with optimizer rmsprop or sgd, and optimizer is adam (default)".
  std::string why;
};

struct ResolvedConfig {
  TrainConfig config;
  std::string preset;  // as the user named it: "auto", "none", a name
  // Of each of settings(): "default", "preset textbook", "file run.toml:3".
  std::vector<std::string> origins = std::vector<std::string>(settings().size(), "default");
  std::vector<Misplaced> misplaced{};  // of flags and file
};

/// Where the value of the setting with this key comes from. REQUIRES: there is such a setting.
const std::string& origin_of(const ResolvedConfig& resolved, std::string_view key);

/// A flag wins over the file, the file over the preset, the preset over the default. `preset` is the flag's;
/// without it the file's counts, else "auto". Misplaced are flags that do not apply to the run, and settings
/// of the file that apply neither to the run nor to the file's own run without the flags; a preset's settings
/// never are. Throws: Error for a wrong preset or value; validate() checks whether the settings fit together.
ResolvedConfig resolve(std::span<const Assignment> flags, const std::optional<ConfigFile>& file,
                       const std::optional<std::string>& preset);

/// The configuration with the values of `assignments` and their origins. Throws: Error for a bad value.
ResolvedConfig with_assignments(ResolvedConfig resolved, std::span<const Assignment> assignments);

/// Those of `given` that do not apply to the run. A switch that is given as off is not among them: it is off.
std::vector<Misplaced> misplaced(const ResolvedConfig& resolved, std::span<const Assignment> given);

/// Reads the map file: after this call the configuration holds all that a run depends on. Throws: Error as
/// bellman::read_map(EnvOptions&), and for a file that differs from the map text in the configuration.
void read_map(ResolvedConfig& resolved);

/// TrainConfig::validate. Throws: its Error, with the origins of the settings that it names (a preset may
/// contradict a flag); and Error for misplaced settings.
void validate(const ResolvedConfig& resolved);

/// The table of --dry-run: setting, value, origin.
std::string settings_table(const ResolvedConfig& resolved);

/// The same as JSON: {key: {"value": setting_json, "origin": text}}, and "applies": false where it does not
/// apply.
nlohmann::ordered_json settings_json(const ResolvedConfig& resolved);

/// "bellman train --env-id FrozenLake-v1 --gamma 0.9": a command that trains with this configuration, as
/// short as the presets allow. It does not contain the seed.
std::string train_command(const TrainConfig& config);

}  // namespace bellman
