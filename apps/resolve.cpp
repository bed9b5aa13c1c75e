#include "apps/resolve.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string_view>

#include <nlohmann/json.hpp>

#include "apps/presets.h"
#include "apps/setting_json.h"
#include "core/check.h"

namespace bellman {
namespace {

void apply_all(ResolvedConfig& resolved, std::span<const Assignment> assignments) {
  for (const Assignment& assignment : assignments) {
    assign(resolved.config, *assignment.setting, assignment.label, assignment.text);
    resolved.origins[static_cast<std::size_t>(assignment.setting - settings().data())] = assignment.origin;
  }
}

/// Whether `name` stands in `text` as a word of its own.
bool names(std::string_view text, std::string_view name) {
  const auto in_word = [&](std::size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
  };
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1))
    if (!(at > 0 && in_word(at - 1)) && !in_word(at + name.size())) return true;
  return false;
}

}  // namespace

ResolvedConfig resolve(std::span<const Assignment> flags, const std::optional<std::filesystem::path>& file,
                       const std::optional<std::string>& preset) {
  const ConfigFile config_file = file ? read_config_file(*file) : ConfigFile();
  ResolvedConfig chosen;
  chosen.origins.assign(settings().size(), "default");
  chosen.preset = preset ? *preset : config_file.preset.value_or("auto");

  // Which presets belong to the run depends on what file and flags choose: they are applied without presets
  // first, to find out, and then once more on top of them.
  ResolvedConfig resolved = chosen;
  apply_all(chosen, config_file.assignments);
  apply_all(chosen, flags);
  apply_all(resolved, preset_assignments(chosen.preset, chosen.config));
  apply_all(resolved, config_file.assignments);
  apply_all(resolved, flags);
  return resolved;
}

void validate(const ResolvedConfig& resolved) {
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
    text.append(value).append(value_width + 2 - value.size(), ' ').append(resolved.origins[i]).append("\n");
  }
  return text;
}

nlohmann::ordered_json settings_json(const ResolvedConfig& resolved) {
  nlohmann::ordered_json json;
  for (std::size_t i = 0; i < settings().size(); ++i)
    json[file_key(settings()[i])] = {{"value", setting_json(resolved.config, settings()[i])},
                                     {"origin", resolved.origins[i]}};
  return json;
}

}  // namespace bellman
