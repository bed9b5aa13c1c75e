// The settings as options of a subcommand: all of them for a command that trains, those of the environment
// for one that plays.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "apps/settings/resolve.h"
#include "envs/env.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace bellman {

/// A flag for every setting, --config and --preset.
class SettingOptions {
 public:
  /// Adds them to `command`. REQUIRES: outlives the command's parsing.
  explicit SettingOptions(CLI::App& command);

  // After parsing:
  /// The settings' flags that were given, in the order of settings().
  std::vector<Assignment> flags() const;
  /// The name that --preset gives.
  std::optional<std::string> preset() const;
  /// The file that --config names; it is read once.
  const std::optional<ConfigFile>& config_file() const;
  /// Flags, `more` after them, the config file and presets. Throws: Error as bellman::resolve.
  ResolvedConfig resolve(const std::vector<Assignment>& more = {}) const;

 private:
  std::string config_path_, preset_;
  mutable std::optional<ConfigFile> config_file_;
  CLI::Option* config_option_ = nullptr;
  CLI::Option* preset_option_ = nullptr;
  std::vector<CLI::Option*> settings_;  // of each of settings()
};

/// A flag for every setting of an environment.
class EnvArguments {
 public:
  /// Adds --env-id, --map, ... to `command`. REQUIRES: outlives the command's parsing.
  explicit EnvArguments(CLI::App& command);

  /// Whether the user gave any of them.
  bool given() const { return !flags().empty(); }

  /// The environment that the user asked for; its map is read. Options that are not given come from `known`
  /// (a model's own environment), unless --env-id names another environment, where they would have no
  /// meaning. Throws: Error for a value out of range, an option that the environment does not have, a map
  /// that cannot be read, or when neither `known` nor --env-id names an environment.
  EnvOptions resolve(const std::optional<EnvOptions>& known = std::nullopt) const;
  /// The same for a model: the map is the model's. If the map's file has changed since, a line to `warnings`,
  /// which begins with `label`, says so.
  EnvOptions resolve(const std::optional<EnvOptions>& known, std::ostream& warnings,
                     std::string_view label) const;

 private:
  std::vector<Assignment> flags() const;

  std::vector<CLI::Option*> settings_;  // of each of settings(); null: not of the environment
};

}  // namespace bellman
