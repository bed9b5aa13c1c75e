// What a run's directory holds, read for a report. The directory may come from anybody.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/run/resume.h"
#include "rl/train/model_file.h"

namespace bellman {

/// A table of numbers by column; NaN where a cell is empty. Columns have the same length.
using Columns = std::map<std::string, std::vector<double>>;

/// Throws: Error, naming file and line, for a row of another length than the first, or a cell that is no number; for a
/// file of more than 256 MiB.
Columns read_csv(const std::filesystem::path& path);

inline constexpr std::uint64_t kMostCheckpointBytes = std::uint64_t{1} << 26;

struct RunData {
  std::string name;                   // as the user gave it
  TrainConfig config;                 // the newest checkpoint's
  std::vector<PastSettings> history;  // likewise
  /// The newest whole checkpoint; none where its file is larger than kMostCheckpointBytes, so that drawing a report takes
  /// no memory that a run did not.
  std::optional<ResumePoint> newest;
  std::optional<Model> model;  // none before the run has ended
  Columns progress;            // progress.csv
  Columns diagnostics;         // diagnostics.csv (apps/report/recorder.h)
};

/// Where the run left the one it was forked from; null: it is no fork.
const PastSettings* fork_of(const RunData& run);
/// Whether there is a fork among them: then the runs are not a sample of one setting.
bool has_fork(std::span<const RunData> runs);
/// "learning_rate=0.0001, double=true": how the run's settings differ from those of `other`.
std::string differing_settings(const RunData& run, const RunData& other);

/// Throws: Error when the directory has no undamaged checkpoint; other files that are missing leave their part of the
/// report out. Lines to `warnings` begin with `label`: "bellman report".
RunData read_run(const std::filesystem::path& directory, std::string_view label, std::ostream& warnings);

}  // namespace bellman
