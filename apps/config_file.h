// Config files: flat TOML, one `key = value` a setting.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/settings.h"

namespace bellman {

/// A value for a setting, and where it came from.
struct Assignment {
  const Setting* setting = nullptr;
  std::string text;    // as assign() reads it
  std::string label;   // the setting in messages: "run.toml:3: gamma", "--gamma"
  std::string origin;  // the place in the table of --dry-run: "file run.toml:3", "flag"
};

struct ConfigFile {
  std::vector<Assignment> assignments;
  std::optional<std::string> preset;  // the key `preset`
};

/// Throws: Error that names the file, the line and the key: for a file that cannot be read or is not TOML, an
/// unknown key (with the nearest), a key given twice under two names, a value of the wrong type.
ConfigFile read_config_file(const std::filesystem::path& path);
/// The same of a text that stands elsewhere; `name` stands for it in messages.
ConfigFile parse_config(const std::string& text, const std::string& name);

/// A config file with every setting that applies to the run, which reads back to the same run, to the last
/// bit. The others stand in comments.
std::string config_file_text(const TrainConfig& config);

}  // namespace bellman
