// What tests of `bellman sweep` share: short runs, and results without wall times.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "core/io/files.h"
#include "tests/support/run_command.h"

namespace bellman::test {

/// All but for how long.
inline Words small_training() {
  return {"--env-id",
          "CartPole-v1",
          "--preset",
          "none",
          "--network",
          "dense 8, relu",
          "--buffer-size",
          "200",
          "--batch-size",
          "8",
          "--learning-starts",
          "50",
          "--eval-frequency",
          "200",
          "--eval-episodes",
          "2",
          "--final-eval-episodes",
          "5"};
}

inline Words short_training() { return small_training() + Words{"--total-timesteps", "600"}; }

inline std::string text_of(const std::filesystem::path& path) {
  return read_file(path, std::size_t{1} << 24);
}

/// sweep.json without wall times, which differ, and the device.
std::string without_times(const std::string& sweep);

}  // namespace bellman::test
