// What a run's settings were before: its history in a checkpoint's metadata.
//
// A JSON array, the oldest first, of objects:
//   config   settings that --override replaced, a config.toml
//   until    the environment step up to which they applied
//   run      of a fork (`bellman fork`): the run that made the steps up to there
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bellman {

/// Settings that a run had until it was resumed with others, or forked from another run.
struct PastSettings {
  std::string config;       // TOML text
  std::int64_t until = 0;   // environment steps
  std::string forked = {};  // the run it was forked from, as the user named its directory; empty: no fork
};

std::string history_text(const std::vector<PastSettings>& history);
/// `name` is the beginning of messages. Throws: Error for text that history_text() does not write.
std::vector<PastSettings> parse_history(const std::string& name, const std::string& text);

/// The last fork in a run's history; null: it was never forked.
const PastSettings* fork_in(const std::vector<PastSettings>& history);
const PastSettings* fork_in(std::vector<PastSettings>&&) = delete;  // it points into the history

}  // namespace bellman
