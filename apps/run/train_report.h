// The report of a finished run: a summary for people, one JSON object for programs.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/run/policy_value.h"
#include "envs/env.h"
#include "rl/config/train_config.h"
#include "rl/train/trainer.h"

namespace bellman {

struct TrainReport {
  TrainConfig config;
  EnvSpec spec;
  TrainResult result;
  std::optional<PolicyValue> policy;  // gridworlds
  bool policy_interrupted = false;    // a signal ended its calculation
  std::filesystem::path directory;    // where the files are
  bool had_finished = false;          // before it was resumed: nothing was trained now
  bool has_report = false;            // report.html
  bool was_recorded = false;          // diagnostics.csv
};

/// Lines of at most `width` characters; commands and long words are not broken.
std::string summary_text(const TrainReport& report, std::size_t width);

/// One object on one line, with a line end. Missing values are null.
std::string report_json(const TrainReport& report);

}  // namespace bellman
