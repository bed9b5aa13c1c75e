#include "apps/settings/setting_options.h"

#include <algorithm>
#include <utility>

#include "apps/settings/declare_options.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "envs/process/process_env.h"

namespace bellman {
namespace {

/// `options`: of each of settings(); null where the command has none.
std::vector<Assignment> given_flags(const std::vector<CLI::Option*>& options) {
  std::vector<Assignment> assignments;
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (!options[i] || !is_given(*options[i])) continue;
    const Setting& setting = settings()[i];
    // A switch's value is "true" or, for --no-..., "false".
    assignments.push_back({&setting, last_text(*options[i]), flag_name(setting), "flag"});
  }
  return assignments;
}

/// A model file comes from anywhere. Throws: Error for one whose environment imports a Python module of its choice.
void check_is_harmless(const EnvOptions& env) {
  if (is_process_id(env.id) && env.id.find(':', env.id.find(':') + 1) != std::string::npos)
    fail("the model was trained in ", printable(env.id),
         ", which runs the Python module before the last colon: give --env-id to allow it");
}

}  // namespace

SettingOptions::SettingOptions(CLI::App& command) {
  config_option_ =
      declare_text(command, "--config", config_path_, "FILE", "TOML file of settings, keys with _ for -");
  preset_option_ =
      declare_text(command, "--preset", preset_, "NAME",
                   "auto, none, or a recipe: cleanrl, textbook, nature, nature-atari (default: auto)");
  for (const Setting& setting : settings())
    settings_.push_back(declare_setting(command, setting, DefaultIn::kHelp));
}

std::vector<Assignment> SettingOptions::flags() const { return given_flags(settings_); }

std::optional<std::string> SettingOptions::preset() const {
  return is_given(*preset_option_) ? std::optional(preset_) : std::nullopt;
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

EnvArguments::EnvArguments(CLI::App& command) {
  for (const Setting& setting : settings())
    settings_.push_back(
        setting.section == "Environment" ? declare_setting(command, setting, DefaultIn::kNothing) : nullptr);
}

std::vector<Assignment> EnvArguments::flags() const { return given_flags(settings_); }

EnvOptions EnvArguments::resolve(const std::optional<EnvOptions>& known) const {
  const std::vector<Assignment> asked = flags();
  // The table writes into the environment of a whole configuration.
  ResolvedConfig resolved = with_assignments({}, asked);
  const bool id_given = std::any_of(asked.begin(), asked.end(), [](const Assignment& assignment) {
    return assignment.setting->key == "env-id";
  });
  if (!known && !id_given) fail("no environment is named: give --env-id (`bellman envs` lists them)");
  if (known && !id_given) check_is_harmless(*known);
  if (known && (!id_given || resolved.config.env.id == known->id)) {
    resolved = {.config = {}, .preset = "none", .origins = {settings().size(), "model"}};
    resolved.config.env = *known;
    resolved = with_assignments(std::move(resolved), asked);
  }
  resolved.misplaced = misplaced(resolved, asked);
  validate(resolved);
  read_map(resolved.config.env);
  return resolved.config.env;
}

EnvOptions EnvArguments::resolve(const std::optional<EnvOptions>& known, std::ostream& warnings,
                                 std::string_view label) const {
  EnvOptions env = resolve(known);
  if (!known || env.map != known->map) return env;
  if (const std::string difference = map_file_now(env).difference; !difference.empty())
    warnings << label << ": map " << printable(env.map.name) << ": " << difference
             << " in the model, whose map is used (--map takes the file as it is now)\n";
  return env;
}

}  // namespace bellman
