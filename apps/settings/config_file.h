// Config files: flat TOML, one `key = value` a setting; beside `map`, the text of the map's file
// (`map_text`).
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/settings/settings.h"

namespace bellman {

inline constexpr std::size_t kMaxConfigBytes = 1 << 20;

struct ConfigFile {
  std::vector<Assignment> assignments;
  std::optional<std::string> preset;  // the key `preset`
};

/// Throws: Error that names the file, the line and the key: for a file that cannot be read or is not TOML, an
/// unknown key (with the nearest), a key given twice under two names, a value of the wrong type.
ConfigFile read_config_file(const std::filesystem::path& path);
/// The same of a text from elsewhere; `name` names it in messages.
ConfigFile parse_config(const std::string& text, const std::string& name);

/// A config file with every setting that applies to the run, and its map's text. It reads back to the same
/// run, to the last bit. The other settings are in comments.
std::string config_file_text(const TrainConfig& config);

}  // namespace bellman
