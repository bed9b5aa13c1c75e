#include "apps/settings/config_file.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <sstream>
#include <variant>

#include <toml++/toml.h>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace bellman {
namespace {

constexpr std::array<std::string_view, 2> kOtherKeys = {"preset", "map_text"};  // keys that are no settings

const char* type_name(const toml::node& value) {
  if (value.is_string()) return "a text";
  if (value.is_integer()) return "a whole number";
  if (value.is_floating_point()) return "a real number";
  if (value.is_boolean()) return "a truth value";
  if (value.is_array()) return "an array";
  return value.is_table() ? "a table" : "a date or time";
}

/// The value as assign() reads it. The types must be the setting's: `gamma = "0.9"` is refused.
std::string text_of(const toml::node& value, const Setting& setting, const std::string& label) {
  const auto refuse = [&](const char* expected) {
    fail(label, ": ", expected, " is expected, and this is ", type_name(value));
  };
  std::ostringstream text;
  if (is_switch(setting)) {
    if (!value.is_boolean()) refuse("true or false");
    return **value.as_boolean() ? "true" : "false";
  }
  // A word for a number ("auto"), and a seed above 2^63-1, which is too large for a number of TOML.
  const bool may_be_quoted = is_text(setting) || !setting.nan_word.empty() || is_seed(setting);
  if (value.is_string() && may_be_quoted) return **value.as_string();
  if (is_text(setting)) refuse("a text in quotes");
  if (value.is_integer()) return std::to_string(**value.as_integer());
  if (!value.is_floating_point()) refuse("a number");
  return number_text(**value.as_floating_point());
}

/// The text of a key that is no setting.
std::string text_of_other_key(const toml::node& value, const std::string& label) {
  if (!value.is_string()) fail(label, ": a text in quotes is expected, and this is ", type_name(value));
  return **value.as_string();
}

/// Between the marks of a basic string of TOML, of one line or several.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') result += '\\';
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\u%04x", byte);
      result += code.data();
    } else {
      result += c;
    }
  }
  return result;
}

/// A text of one line: assign() takes no other.
std::string quoted(const std::string& text) { return "\"" + escaped(text) + "\""; }
std::string quoted_lines(const std::string& text) { return "\"\"\"\n" + escaped(text) + "\"\"\""; }

/// A setting's value_text as TOML has it.
std::string toml_text(const Setting& setting, const std::string& value) {
  if (is_text(setting) || (!setting.nan_word.empty() && value == setting.nan_word)) return quoted(value);
  if (is_seed(setting)) return value.size() < 19 ? value : quoted(value);  // 2^63 has 19 digits
  // Without a point TOML would read an integer, which has 63 bits and no -0.
  if (is_real(setting) && value.find_first_of(".e") == std::string::npos) return value + ".0";
  return value;
}

/// The end of the string that begins at text[at] with a quotation mark: after its closing mark, or where the
/// text can no longer be a string.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  const char mark = text[at];
  const std::string_view thrice = text.substr(at, 3);
  const bool several_lines = thrice.size() == 3 && thrice[1] == mark && thrice[2] == mark;
  for (std::size_t i = at + (several_lines ? 3 : 1); i < text.size(); ++i) {
    if (mark == '"' && text[i] == '\\')
      ++i;
    else if (several_lines ? text.substr(i, 3) == thrice : text[i] == mark)
      return i + (several_lines ? 3 : 1);
    else if (!several_lines && text[i] == '\n')
      return i;
  }
  return text.size();
}

/// Keys and values outside quotation marks are ASCII. toml++ 3.3 fails an internal assertion when they are
/// not.
void refuse_characters_that_no_key_has(std::string_view text, const std::string& name) {
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '"' || text[i] == '\'') {
      i = end_of_string(text, i);
    } else if (text[i] == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (static_cast<unsigned char>(text[i]) >= 0x80) {
      fail(name, ":", 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(i), '\n'),
           ": a character that is not ASCII stands outside quotation marks");
    } else {
      ++i;
    }
  }
}

/// REQUIRES: `map` was read before: toml++ visits the keys in alphabetical order.
void add_map_text(ConfigFile& file, const std::string& text, const std::string& place) {
  const auto map = std::find_if(file.assignments.begin(), file.assignments.end(),
                                [](const Assignment& a) { return a.setting->key == "map"; });
  if (map == file.assignments.end() || map->text.empty())
    fail(place, ": map_text: it needs `map`, the name of the map");
  map->map_text = text;
}

}  // namespace

ConfigFile read_config_file(const std::filesystem::path& path) {
  return parse_config(read_text_file(path, kMaxConfigBytes), path.string());
}

ConfigFile parse_config(const std::string& text, const std::string& name) {
  if (text.size() > kMaxConfigBytes) fail(name, ": is longer than ", kMaxConfigBytes, " bytes");
  refuse_characters_that_no_key_has(text, name);
  toml::table table;
  try {
    table = toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    fail(name, ":", error.source().begin.line, ": ", error.description());
  }

  ConfigFile file;
  for (const auto& [toml_key, value] : table) {
    const std::string key(toml_key.str());
    const std::string place = name + ":" + std::to_string(value.source().begin.line);
    if (key == "preset") {
      file.preset = text_of_other_key(value, place + ": preset");
      continue;
    }
    if (key == "map_text") {
      add_map_text(file, text_of_other_key(value, place + ": map_text"), place);
      continue;
    }
    const Setting* setting = find_setting(key);
    if (!setting && value.is_table())
      fail(place, ": \"[", printable(key), "]\": settings are flat lines `key = value`, not in a table");
    if (!setting) fail(place, ": unknown key \"", printable(key), "\"", setting_suggestion(key, kOtherKeys));
    for (const Assignment& earlier : file.assignments)
      if (earlier.setting == setting)
        fail(place, ": \"", key, "\" is \"", file_key(*setting), "\" under another name, and both are given");
    const std::string label = place + ": " + key;
    file.assignments.push_back({.setting = setting,
                                .text = text_of(value, *setting, label),
                                .label = label,
                                .origin = "file " + place});
  }
  return file;
}

std::string config_file_text(const TrainConfig& config) {
  std::string text =
      "# Every setting of a run, in comments those that do not apply to it; `bellman train --config` on this "
      "file repeats it.\n";
  text += "preset = \"none\"\n";
  std::string_view section;
  for (const Setting& setting : settings()) {
    if (setting.section != section) text.append("\n# ").append(section = setting.section).append("\n");
    const Condition* const missing = missing_condition(setting, config);
    if (missing) text.append("# ");
    text.append(file_key(setting)).append(" = ").append(toml_text(setting, value_text(config, setting)));
    if (missing) text.append("  # only with ").append(missing->key).append(" ").append(missing->values);
    text.append("\n");
    if (!missing && setting.key == "map" && !config.env.map.text.empty())
      text.append("map_text = ").append(quoted_lines(config.env.map.text)).append("\n");
  }
  return text;
}

}  // namespace bellman
