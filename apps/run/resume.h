// From a run's directory to the point where it can be gone on with.
#pragma once

#include <filesystem>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "apps/run/checkpoint.h"
#include "apps/settings/resolve.h"
#include "apps/settings/setting_options.h"
#include "rl/state/training_state.h"

namespace bellman {

struct ResumePoint {
  std::filesystem::path path;
  Checkpoint checkpoint;
};

/// The checkpoints of the directory, the newest first. Throws: Error when there is none.
std::vector<std::filesystem::path> checkpoints_to_resume(const std::filesystem::path& directory);

/// Whether a run's saved state is one within a round: a stop or a checkpoint by time came between two
/// gradient steps, or a stop within the evaluation. Throws: Error for a state that does not say.
bool is_within_round(const StateReader& state);

/// The newest checkpoint of the directory that is whole; each damaged one is named in a line to `warnings`
/// and passed over. Throws: Error when there is none.
ResumePoint find_resume_point(const std::filesystem::path& directory, std::ostream& warnings);

/// The settings of a checkpoint's text. `source`: where it is from, for messages. Throws: Error for what is
/// none.
ResolvedConfig saved_config(const std::string& text, const std::string& source);

/// The configuration of the checkpoint, changed by `overrides` ("key=value"). What is asked for beside must
/// be what the run has. Throws: Error that names the settings that differ, or an override that is wrong: one
/// that ends the run before the step where it is, too.
ResolvedConfig resumed_config(const ResumePoint& point, std::span<const Assignment> asked,
                              std::span<const std::string> overrides);

/// What presets, configuration files and flags ask of a run that is resumed, and the config.toml in its
/// `directory`, in which a flag stands against the file and the preset before it. Throws: Error for an
/// unknown preset, and a file that cannot be read.
std::vector<Assignment> asked_settings(const SettingOptions& options, const ResumePoint& point,
                                       const std::filesystem::path& directory);

/// `overrides` ("key=value"), and before them those of an earlier start that the checkpoint does not know of: it
/// was killed before its first checkpoint, or that one is damaged. The run's config.toml in `directory` has them,
/// unless somebody has edited it; a line to `notes` says so. Throws: Error for a file that cannot be read.
std::vector<std::string> overrides_in_force(const ResumePoint& point, const std::filesystem::path& directory,
                                            const std::vector<std::string>& overrides, std::ostream& notes);

/// Why a run with these settings does not train on from the point, and what would; empty: it does.
std::string what_is_left(const ResumePoint& point, const TrainConfig& config);

/// The map file of a run, as the checkpoint has it and as it is now.
struct RunMap {
  std::string name;  // empty: the run has no map file
  bool is_remembered = false;
  Index since = 0;  // the environment step at which --override brought it; 0: the run began with it
  MapFileNow now;
};
/// Throws: Error for a checkpoint that does not have the map, and a file that is missing or no map.
RunMap map_of(const ResumePoint& point);
/// "map lake.txt as the run began with it; its file is missing now". REQUIRES: it has a name.
std::string description(const RunMap& map);
/// The maps of the run, one after the other as --override changed them: "map a.txt as the run began with it,
/// until step 600", "map b.txt as --override brought it at step 600". Throws: as map_of.
std::vector<std::string> maps_of(const ResumePoint& point);

/// What a run that goes on with `config` had before: the checkpoint's history, and the checkpoint's settings
/// if they are others.
std::vector<PastSettings> history_of(const Checkpoint& checkpoint, const TrainConfig& config);

}  // namespace bellman
