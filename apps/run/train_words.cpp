#include "apps/run/train_words.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "apps/base/shell_word.h"
#include "apps/settings/presets.h"
#include "apps/settings/resolve.h"
#include "apps/settings/settings.h"

namespace bellman {
namespace {

/// Flags that make `config` on top of a preset. Which presets belong to a run depends on its flags, those of
/// the first section, the environment, above all: flags that are missing are added a section at a time.
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

std::string train_words(const TrainConfig& config) {
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
