// Settings as text: their names, and their values on the command line, in files and as JSON. The table of all
// settings is rl/config/settings_table.h.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "rl/config/settings_table.h"

namespace bellman {

/// The setting with this key or alias ('-' and '_' are the same), or null.
const Setting* find_setting(std::string_view name);

/// The end of a message about an unknown name: the nearest known one, `also` included, or how to list them
/// all.
std::string setting_suggestion(std::string_view name, std::span<const std::string_view> also = {});

/// "--learning-rate": the key as messages about the command line have it.
std::string flag_name(const Setting& setting);

/// The option's type and range in --help: "REAL (0, 1]"; empty for a switch.
std::string value_description(const Setting& setting);
bool is_switch(const Setting& setting);
bool is_seed(const Setting& setting);
bool is_real(const Setting& setting);
/// Whether files have its value in quotes: texts, and names of a choice.
bool is_text(const Setting& setting);

/// Sets the setting. `label` names it in messages: "--gamma", "run.toml:3: gamma".
/// Throws: Error that names label, text and the possible values.
void assign(TrainConfig& config, const Setting& setting, std::string_view label, std::string_view text);

/// A value for a setting, and its origin.
struct Assignment {
  const Setting* setting = nullptr;
  std::string text;           // as assign() reads it
  std::string label;          // the setting in messages: "run.toml:3: gamma", "--gamma"
  std::string origin;         // the place in the table of --dry-run: "file run.toml:3", "flag"
  std::string map_text = {};  // of the setting `map`, where the file has it; empty: only the name
};

/// Sets the setting, and of a map the text, too. Throws: Error as assign().
void apply(TrainConfig& config, const Assignment& assignment);

/// The value as `assign` reads it back, to the last bit.
std::string value_text(const TrainConfig& config, const Setting& setting);

/// The value with its JSON type: true, 64, 0.001, "dense 64, relu"; a word for a number ("auto") as a text.
nlohmann::ordered_json setting_json(const TrainConfig& config, const Setting& setting);

}  // namespace bellman
