// The options of a command that trains: a flag for every setting, --config and --preset.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/settings/resolve.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace bellman {

class SettingOptions {
 public:
  /// Adds them to `command`. REQUIRES: outlives the command's parsing.
  explicit SettingOptions(CLI::App& command);

  // After parsing:
  /// What the settings' flags say, in the order of settings().
  std::vector<Assignment> flags() const;
  /// What --preset names.
  std::optional<std::string> preset() const;
  /// Reads the file that --config names; once.
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

}  // namespace bellman
