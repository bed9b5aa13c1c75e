// A run of `bellman train`, and the names of what it leaves.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "tests/support/run_command.h"

namespace bellman::test {

/// A run of a second or less.
inline const Words kShort = {"train",
                             "--total-timesteps",
                             "600",
                             "--learning-starts",
                             "100",
                             "--network",
                             "dense 8, relu",
                             "--eval-frequency",
                             "300",
                             "--eval-episodes",
                             "2",
                             "--final-eval-episodes",
                             "3",
                             "--log-frequency",
                             "100",
                             "--solve-confirm-episodes",
                             "2"};

/// The names in a directory; of the event file's only the part that does not change.
inline std::set<std::string> names(const std::filesystem::path& directory) {
  std::set<std::string> result;
  for (const std::filesystem::directory_entry& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    result.insert(name.starts_with("events.out.tfevents.") ? "events.out.tfevents"
                  : name.starts_with("checkpoint-")        ? "checkpoint"
                                                           : name);
  }
  return result;
}

}  // namespace bellman::test
