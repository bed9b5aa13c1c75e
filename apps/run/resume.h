// Resuming a run: the settings with which it trains on from a checkpoint.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/run/checkpoint.h"
#include "apps/run/device.h"
#include "apps/run/resume_point.h"
#include "apps/run/run_directory.h"
#include "apps/run/run_files.h"
#include "apps/settings/resolve.h"
#include "apps/settings/setting_options.h"
#include "rl/state/training_state.h"

namespace bellman {

/// Whether a run was saved within a round: a stop or a checkpoint by time came between two gradient steps, or
/// a stop within the evaluation. Throws: Error for a state that does not contain this.
bool is_within_round(const StateReader& state);

/// The settings in a checkpoint's text. `source` names the text in messages. Throws: Error for bad settings.
ResolvedConfig saved_config(const std::string& text, const std::string& source);

/// The checkpoint's configuration, changed by `overrides` ("key=value"). `asked` must agree with the run.
/// Throws: Error that names the settings that differ, or a wrong override; a run that would end before its
/// present step is one.
ResolvedConfig resumed_config(const ResumePoint& point, std::span<const Assignment> asked,
                              std::span<const std::string> overrides);

/// The config.toml in a run's directory; `text` is empty when there is none.
struct RunConfigFile {
  std::filesystem::path path;
  std::optional<std::string> text;
};
/// Throws: Error for a file that cannot be read.
RunConfigFile read_run_config(const std::filesystem::path& directory);

/// The settings that presets, configuration files and flags ask of a resumed run, a flag in place of the
/// file's value and the file's in place of the preset's; then those of its config.toml. Throws: Error for an
/// unknown preset, and a file that cannot be read.
std::vector<Assignment> asked_settings(const SettingOptions& options, const ResumePoint& point,
                                       const RunConfigFile& run_config);

// ---- lines to `notes` begin with `label`: "bellman train"

/// `overrides` ("key=value"), and before them those of an earlier start that this checkpoint does not
/// contain: the run was killed before its next checkpoint, or that one is damaged. The run's config.toml has
/// them, unless somebody edited it; a line to `notes` names them.
std::vector<std::string> overrides_in_force(const ResumePoint& point, const RunConfigFile& run_config,
                                            const std::vector<std::string>& overrides, std::string_view label,
                                            std::ostream& notes);

/// Why a run with these settings has nothing left to train, and which override would change that; empty: it
/// trains.
std::string finished_reason(const ResumePoint& point, const TrainConfig& config);

/// The map of a run, as the checkpoint has it and as its file is now.
struct RunMap {
  std::string name;  // empty: the run has no map file
  bool is_remembered = false;
  Index since = 0;  // the environment step of its --override; 0: the run began with it
  MapFileNow now;
};
/// Throws: Error for a checkpoint that does not have the map, and a file that is missing or no map.
RunMap map_of(const ResumePoint& point);
/// The maps of the run in order, as --override changed them: "map a.txt as the run began with it, until step
/// 600", "map b.txt as --override brought it at step 600". Throws: as map_of.
std::vector<std::string> maps_of(const ResumePoint& point);
/// Throws: Error when the file of the run's map has changed: the user must say which of the two is meant. A
/// line to `notes` names a map that the checkpoint does not contain.
void check_map(const ResumePoint& point, const ResolvedConfig& resolved, std::string_view label,
               std::ostream& notes);

/// For several ranks. Throws: Error when a stop cut the last round and the settings are others: only one rank finishes such a
/// round with the old ones.
void check_cut_round(const ResumePoint& point, const ResolvedConfig& resolved);

/// A trainer in the state of the point.
std::unique_ptr<Trainer> trainer_at(const ResumePoint& point, const TrainConfig& config,
                                    const Device& device);

/// Makes the point one of a run with the settings `now`. A round that a stop cut is first finished with the
/// old ones; that writes to the logs in `directory` (null, of a dry run: the round stays cut). False: *stop
/// ended it again.
bool apply_overrides(ResumePoint& point, const TrainConfig& now, const RunDirectory* directory,
                     const RunFilesOptions& options, std::string_view label, std::ostream& notes,
                     const std::atomic<bool>& stop);

/// The earlier settings of a run that trains on with `config`: the checkpoint's history, and the checkpoint's
/// settings if they differ.
std::vector<PastSettings> history_of(const Checkpoint& checkpoint, const TrainConfig& config);

}  // namespace bellman
