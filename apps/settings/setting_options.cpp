#include "apps/settings/setting_options.h"

#include "apps/settings/declare_options.h"

namespace bellman {
SettingOptions::SettingOptions(CLI::App& command) {
  config_option_ =
      declare_text(command, "--config", config_path_, "FILE", "TOML file of settings, keys with _ for -");
  preset_option_ = declare_text(command, "--preset", preset_, "NAME",
                                "auto, none, or a recipe: cleanrl, textbook, nature (default: auto)");
  for (const Setting& setting : settings())
    settings_.push_back(declare_setting(command, setting, DefaultIn::kHelp));
}

std::vector<Assignment> SettingOptions::flags() const {
  std::vector<Assignment> assignments;
  for (std::size_t i = 0; i < settings().size(); ++i) {
    const CLI::Option& option = *settings_[i];
    if (!is_given(option)) continue;
    const Setting& setting = settings()[i];
    // Given more than once, the last counts. A switch's value is "true" or, for --no-..., "false".
    assignments.push_back({&setting, last_text(option), flag_name(setting), "flag"});
  }
  return assignments;
}

std::optional<std::string> SettingOptions::preset() const {
  if (!is_given(*preset_option_)) return std::nullopt;
  return preset_;
}

const std::optional<ConfigFile>& SettingOptions::config_file() const {
  if (is_given(*config_option_) && !config_file_) config_file_ = read_config_file(config_path_);
  return config_file_;
}

ResolvedConfig SettingOptions::resolve(const std::vector<Assignment>& more) const {
  std::vector<Assignment> assignments = flags();
  assignments.insert(assignments.end(), more.begin(), more.end());
  return bellman::resolve(assignments, config_file(), preset());
}

}  // namespace bellman
