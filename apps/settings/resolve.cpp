#include "apps/settings/resolve.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <sstream>
#include <string_view>

#include <nlohmann/json.hpp>

#include "apps/base/process.h"
#include "apps/settings/presets.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

std::size_t number_of(const Setting& setting) {
  return static_cast<std::size_t>(&setting - settings().data());
}

const std::string& origin_of(const ResolvedConfig& resolved, const Setting& setting) {
  return resolved.origins[number_of(setting)];
}

/// Whether `text` contains `name` as a whole word.
bool names(std::string_view text, std::string_view name) {
  const auto in_word = [&](std::size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
  };
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1))
    if (!(at > 0 && in_word(at - 1)) && !in_word(at + name.size())) return true;
  return false;
}

/// A preset's `prioritized = true` does not contradict a flag's --no-replay.
void switch_off_inapplicable(ResolvedConfig& resolved) {
  for (const Setting& setting : settings()) {
    const std::string& origin = origin_of(resolved, setting);
    if (is_switch(setting) && origin.starts_with("preset ") && missing_condition(setting, resolved.config))
      assign(resolved.config, setting, origin, "false");
  }
}

}  // namespace

ResolvedConfig with_assignments(ResolvedConfig resolved, std::span<const Assignment> assignments) {
  for (const Assignment& assignment : assignments) {
    apply(resolved.config, assignment);
    resolved.origins[number_of(*assignment.setting)] = assignment.origin;
  }
  return resolved;
}

const std::string& origin_of(const ResolvedConfig& resolved, std::string_view key) {
  return origin_of(resolved, *find_setting(key));
}

ResolvedConfig resolve(std::span<const Assignment> flags, const std::optional<ConfigFile>& file,
                       const std::optional<std::string>& preset) {
  const ConfigFile config_file = file.value_or(ConfigFile());
  ResolvedConfig chosen;
  chosen.preset = preset ? *preset : config_file.preset.value_or("auto");

  // File and flags decide which presets apply to the run: they are applied without presets first, and then
  // again on top of them.
  const TrainConfig without =
      with_assignments(with_assignments(chosen, config_file.assignments), flags).config;
  const ResolvedConfig of_presets = with_assignments(chosen, preset_assignments(chosen.preset, without));
  const ResolvedConfig of_file = with_assignments(of_presets, config_file.assignments);
  ResolvedConfig resolved = with_assignments(of_file, flags);
  switch_off_inapplicable(resolved);
  resolved.misplaced = misplaced(resolved, flags);
  // A flag may remove the condition of a setting of the file.
  for (const Misplaced& of_run : misplaced(resolved, config_file.assignments))
    for (const Misplaced& by_itself : misplaced(of_file, config_file.assignments))
      if (of_run.setting == by_itself.setting) resolved.misplaced.push_back(of_run);
  return resolved;
}

std::vector<Misplaced> misplaced(const ResolvedConfig& resolved, std::span<const Assignment> given) {
  std::vector<Misplaced> found;
  for (const Assignment& assignment : given) {
    const Setting& setting = *assignment.setting;
    if (is_switch(setting) && assignment.text == "false") continue;
    std::ostringstream why;
    for (const Condition& condition : setting.conditions) {
      if (condition.holds(resolved.config)) continue;
      const Setting* const decides = find_setting(condition.key);
      BELLMAN_CHECK(decides != nullptr);
      why << (why.str().empty() ? assignment.label + " applies only with " : "; and only with ")
          << condition.key << " " << condition.values << ", and " << condition.key << " is "
          << printable(value_text(resolved.config, *decides)) << " (" << origin_of(resolved, *decides) << ")";
    }
    if (!why.str().empty()) found.push_back({&setting, why.str()});
  }
  return found;
}

void read_map(ResolvedConfig& resolved) {
  EnvOptions& env = resolved.config.env;
  const bool had_text = !env.map.text.empty();
  read_map(env);
  if (!had_text) return;
  if (const std::string difference = map_file_now(env).difference; !difference.empty())
    fail("map ", env.map.name, ": ", difference, " in the map_text of ", origin_of(resolved, "map"),
         ": remove map_text to use the file as it is now, or give the map another name to use the text");
}

void validate(const ResolvedConfig& resolved) {
  std::string misplaced;
  for (const Misplaced& setting : resolved.misplaced)
    misplaced.append(misplaced.empty() ? "" : "; ").append(setting.why);
  if (!misplaced.empty()) fail(misplaced);
  try {
    resolved.config.validate();
  } catch (const Error& error) {
    const std::string message = error.what();
    std::string origins;
    for (std::size_t i = 0; i < settings().size(); ++i) {
      const std::string key = file_key(settings()[i]);
      if (!names(message, key)) continue;
      origins.append(origins.empty() ? " (" : ", ").append(key).append(": ").append(resolved.origins[i]);
    }
    fail(message, origins, origins.empty() ? "" : ")");
  }
}

std::string settings_table(const ResolvedConfig& resolved) {
  const auto shown = [&](const Setting& setting) {
    const std::string value = value_text(resolved.config, setting);
    return value.empty() ? std::string("\"\"") : value;
  };
  std::size_t key_width = 0, value_width = 0;
  for (const Setting& setting : settings()) {
    key_width = std::max(key_width, setting.key.size());
    value_width = std::max(value_width, shown(setting).size());
  }
  std::string text;
  std::string_view section;
  for (std::size_t i = 0; i < settings().size(); ++i) {
    const Setting& setting = settings()[i];
    if (setting.section != section) {
      text.append(text.empty() ? "" : "\n").append(setting.section).append("\n");
      section = setting.section;
    }
    const std::string value = shown(setting);
    text.append("  ").append(setting.key).append(key_width + 2 - setting.key.size(), ' ');
    text.append(value).append(value_width + 2 - value.size(), ' ').append(resolved.origins[i]);
    text.append(missing_condition(setting, resolved.config) ? ", does not apply\n" : "\n");
  }
  return text;
}

nlohmann::ordered_json settings_json(const ResolvedConfig& resolved) {
  nlohmann::ordered_json json;
  for (std::size_t i = 0; i < settings().size(); ++i) {
    const Setting& setting = settings()[i];
    nlohmann::ordered_json& entry = json[file_key(setting)];
    entry = {{"value", setting_json(resolved.config, setting)}, {"origin", resolved.origins[i]}};
    if (missing_condition(setting, resolved.config)) entry["applies"] = false;
  }
  return json;
}

namespace {

/// Flags that give `config` on top of a preset. The flags of the first section, the environment, decide which
/// presets apply: so missing flags are added section by section.
std::vector<Assignment> flags_of(const TrainConfig& config, const std::string& preset) {
  std::vector<Assignment> flags;
  for (;;) {
    const TrainConfig made = resolve(flags, std::nullopt, preset).config;
    std::string_view section;
    for (const Setting& setting : settings()) {
      const std::string value = value_text(config, setting);
      if (setting.key == "seed" || missing_condition(setting, config) || value_text(made, setting) == value)
        continue;
      if (!section.empty() && setting.section != section) break;
      section = setting.section;
      flags.push_back({&setting, value, "--" + std::string(setting.key), "flag"});
    }
    if (section.empty()) return flags;
  }
}

std::string option_text(const Assignment& flag) {
  const std::string key(flag.setting->key);
  if (is_switch(*flag.setting)) return (flag.text == "true" ? "--" : "--no-") + key;
  return "--" + key + (flag.text.starts_with('-') ? "=" : " ") + shell_word(flag.text);
}

}  // namespace

std::string train_command(const TrainConfig& config) {
  std::vector<std::string> choices = {"auto", "none"};
  for (const Preset& preset : presets())
    if (!preset.belongs) choices.emplace_back(preset.name);
  std::optional<std::string> shortest;
  for (const std::string& preset : choices) {
    std::string words = "bellman train";
    if (preset != "auto") words += " --preset " + preset;
    for (const Assignment& flag : flags_of(config, preset)) words += " " + option_text(flag);
    if (!shortest || words.size() < shortest->size()) shortest = words;
  }
  return *shortest;
}

}  // namespace bellman
