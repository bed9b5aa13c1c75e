#include "apps/run/resume.h"

#include <algorithm>
#include <cstdint>
#include <set>

#include "apps/run/progress_bar.h"
#include "apps/run/run_files.h"
#include "apps/settings/config_file.h"
#include "apps/settings/override_rules.h"
#include "apps/settings/presets.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "envs/grid/grid_map.h"
#include "rl/state/training_state.h"

namespace bellman {
namespace {

Assignment parse_override(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) fail("--override: \"", printable(text), "\" is no KEY=VALUE");
  const Setting* const setting = find_setting(text.substr(0, equals));
  if (!setting)
    fail("--override: unknown setting \"", printable(text.substr(0, equals)), "\"",
         setting_suggestion(text.substr(0, equals)));
  return {setting, text.substr(equals + 1), "--override " + file_key(*setting), "override"};
}

/// Throws: Error for a setting that a run has from its start.
void check_rule(const Assignment& change, const TrainConfig& before, const TrainConfig& after) {
  const Setting& setting = *change.setting;
  const OverrideRule& rule = override_rule(setting);
  const std::string has = value_text(before, setting), wants = value_text(after, setting);
  if (rule.kind == OverrideKind::kOnlyAtStart && has != wants)
    fail(change.label, ": it is ", printable(has), " and cannot become ", printable(wants), ": ", rule.words);
}

/// Throws: Error for a run that is to end before the step where it is.
void check_end(const ResolvedConfig& resolved, const ResolvedConfig& before, std::int64_t timestep) {
  const Index total = resolved.config.total_timesteps;
  if (total != before.config.total_timesteps && total < timestep)
    fail("--override total_timesteps: ", total, " is before step ", timestep, ", where the run is");
}

/// The settings of a checkpoint's text; of a map file that it does not remember, the name alone.
ResolvedConfig parsed_config(const std::string& text, const std::string& source) {
  std::vector<Assignment> assignments = parse_config(text, source).assignments;
  for (Assignment& assignment : assignments) assignment.origin = "checkpoint";
  return with_assignments({}, assignments);
}

std::string source_of_config(const ResumePoint& point) { return point.path.string() + " (config)"; }

void read_map_of(ResolvedConfig& resolved, const std::string& source) {
  try {
    read_map(resolved.config.env);
  } catch (const Error& error) {
    fail(source, ": ", error.what());
  }
}

/// How `wanted` differs from what the run has in this setting: "gamma is 0.99, not 0.5"; empty: not at all.
std::string difference_in(const Setting& setting, const TrainConfig& run, const TrainConfig& wanted) {
  const std::string has = value_text(run, setting), wants = value_text(wanted, setting);
  const std::string& text = wanted.env.map.text;  // of a configuration file
  if (has == wants && setting.key == "map" && !text.empty() && plain_map_text(text) != run.env.map.text)
    return "map_text is another";
  if (has == wants || (setting.key == "device" && wants == "auto")) return "";  // auto: any will do
  return file_key(setting) + " is " + has + ", not " + wants;
}

}  // namespace

ResolvedConfig saved_config(const std::string& text, const std::string& source) {
  ResolvedConfig resolved = parsed_config(text, source);
  read_map_of(resolved, source);
  return resolved;
}

std::vector<std::filesystem::path> checkpoints_to_resume(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> all = checkpoints_of(directory);
  if (all.empty()) fail("run directory ", directory.string(), ": there is no checkpoint to resume from");
  return all;
}

bool is_within_round(const StateReader& state) {
  return state.count("trainer.learnt_timestep") < state.count("trainer.timestep") ||
         state.count("trainer.evaluation_is_due") != 0;
}

ResumePoint find_resume_point(const std::filesystem::path& directory, std::ostream& warnings) {
  const std::vector<std::filesystem::path> all = checkpoints_to_resume(directory);
  for (const std::filesystem::path& path : all) {
    try {
      return {path, load_checkpoint(path)};
    } catch (const Error& error) {
      warnings << "bellman train: " << error.what() << "; trying the one before\n";
    }
  }
  fail("run directory ", directory.string(), ": none of its ", all.size(), " checkpoints is whole");
}

ResolvedConfig resumed_config(const ResumePoint& point, std::span<const Assignment> asked,
                              std::span<const std::string> overrides) {
  const ResolvedConfig before = parsed_config(point.checkpoint.config, source_of_config(point));
  std::vector<Assignment> changes;
  for (const std::string& text : overrides) changes.push_back(parse_override(text));
  ResolvedConfig resolved = with_assignments(before, changes);
  resolved.misplaced = misplaced(resolved, changes);
  for (const Assignment& change : changes) check_rule(change, before.config, resolved.config);
  read_map_of(resolved, source_of_config(point));
  check_end(resolved, before, point.checkpoint.timestep);
  std::string differences;
  const auto is_overridden = [&](const Setting* setting) {
    return std::ranges::find(changes, setting, &Assignment::setting) != changes.end();
  };
  for (const Assignment& assignment : asked) {
    if (assignment.origin != "flag" && is_overridden(assignment.setting)) continue;
    TrainConfig wanted = resolved.config;
    apply(wanted, assignment);
    const std::string difference = difference_in(*assignment.setting, resolved.config, wanted);
    if (difference.empty()) continue;
    differences += (differences.empty() ? "" : ", ") + difference;
    if (assignment.origin != "flag") differences += " (" + assignment.origin + ")";
  }
  if (!differences.empty())
    fail("the run that is resumed has other settings: ", differences, " (--override KEY=VALUE changes one)");
  return resolved;
}

std::vector<Assignment> asked_settings(const SettingOptions& options, const ResumePoint& point,
                                       const std::filesystem::path& directory) {
  std::vector<Assignment> asked;
  const auto add = [&asked](const std::vector<Assignment>& more) {
    for (const Assignment& assignment : more) {
      std::erase_if(asked, [&](const Assignment& earlier) { return earlier.setting == assignment.setting; });
      asked.push_back(assignment);
    }
  };
  const std::optional<ConfigFile>& file = options.config_file();
  std::optional<std::string> preset = options.preset();
  if (!preset && file) preset = file->preset;
  if (preset)
    add(preset_assignments(*preset, parsed_config(point.checkpoint.config, source_of_config(point)).config));
  if (file) add(file->assignments);
  add(options.flags());
  // The run's own file, which somebody may have edited. It is written anew, and must not say something else.
  std::error_code error;
  if (const std::filesystem::path own = directory / "config.toml"; std::filesystem::exists(own, error)) {
    const ConfigFile edited = read_config_file(own);
    asked.insert(asked.end(), edited.assignments.begin(), edited.assignments.end());
  }
  return asked;
}

std::vector<std::string> overrides_in_force(const ResumePoint& point, const std::filesystem::path& directory,
                                            const std::vector<std::string>& overrides, std::ostream& notes) {
  constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 24;
  const std::filesystem::path own = directory / "config.toml";
  std::error_code error;
  if (!std::filesystem::exists(own, error)) return overrides;
  const std::string text = read_text_file(own, kMostBytes);
  if (!is_as_written(text)) return overrides;
  const TrainConfig before = parsed_config(point.checkpoint.config, source_of_config(point)).config;
  const TrainConfig written = parsed_config(text, own.string()).config;
  std::set<const Setting*> asked;
  for (const std::string& override : overrides) asked.insert(parse_override(override).setting);
  std::vector<std::string> all;
  std::string named;
  for (const Setting& setting : settings()) {
    const std::string has = value_text(before, setting), wrote = value_text(written, setting);
    // A map is more than its name.
    if (has == wrote || asked.contains(&setting) || setting.key == "map" ||
        (setting.key == "device" && wrote == "auto"))
      continue;
    all.push_back(file_key(setting) + "=" + wrote);
    named += (named.empty() ? "" : ", ") + all.back();
  }
  if (!all.empty())
    notes << "bellman train: " << own.string() << ": " << printable(named) << " from step "
          << with_separators(point.checkpoint.timestep) << " on, as --override said after that checkpoint\n";
  all.insert(all.end(), overrides.begin(), overrides.end());
  return all;
}

std::string what_is_left(const ResumePoint& point, const TrainConfig& config) {
  const StateReader state(point.checkpoint.state, point.path.string());
  const Index solved = state.count("trainer.solved_at_timestep", -1);
  const bool has_solved = config.stop_when_solved && solved >= 0;
  const bool has_made_all = point.checkpoint.timestep >= config.total_timesteps;
  const std::string goes_on = "--override total_timesteps=N trains on to step N";
  if (has_solved)
    return "the run was solved at step " + with_separators(solved) +
           " and is finished: --override stop_when_solved=false trains on, --override solved_return=R until "
           "a "
           "mean return of R" +
           (has_made_all ? ", with total_timesteps=N to step N" : "");
  if (has_made_all)
    return "the run has made its " + with_separators(config.total_timesteps) +
           " steps and is finished: " + goes_on;
  return "";
}

namespace {

/// The map of the environment for a while.
struct MapStretch {
  MapSource map;
  Index since = 0, until = 0;  // environment steps; until: not of the last
};

/// One after the other; the last is the one that the run has.
std::vector<MapStretch> map_stretches(const ResumePoint& point) {
  std::vector<MapStretch> stretches;
  const auto add = [&](const std::string& config, Index until) {
    const MapSource map = parsed_config(config, source_of_config(point)).config.env.map;
    // No step was made on it.
    if (!stretches.empty() && stretches.back().until == stretches.back().since) stretches.pop_back();
    if (stretches.empty() || stretches.back().map != map)
      stretches.push_back({map, stretches.empty() ? 0 : stretches.back().until, 0});
    stretches.back().until = until;
  };
  for (const PastSettings& past : point.checkpoint.history) add(past.config, past.until);
  add(point.checkpoint.config, point.checkpoint.timestep);
  return stretches;
}

std::string since_text(Index since) {
  return since == 0 ? " as the run began with it"
                    : " as --override brought it at step " + with_separators(since);
}

std::string name_of(const MapSource& map) {
  return map.name.empty() ? "the environment's own map" : "map " + printable(map.name);
}

}  // namespace

RunMap map_of(const ResumePoint& point) {
  ResolvedConfig resolved = parsed_config(point.checkpoint.config, source_of_config(point));
  const bool is_remembered = !resolved.config.env.map.text.empty();
  read_map_of(resolved, source_of_config(point));
  const EnvOptions& env = resolved.config.env;
  if (env.map.text.empty()) return {};
  return {env.map.name, is_remembered, map_stretches(point).back().since, map_file_now(env)};
}

std::string description(const RunMap& map) {
  if (!map.is_remembered)
    return "map " + printable(map.name) +
           " as its file is now: the checkpoint is of a version that did not keep it";
  return "map " + printable(map.name) + since_text(map.since) +
         (map.now.is_missing ? "; its file is missing now" : "") +
         (map.now.difference.empty() ? "" : "; in its file now " + map.now.difference);
}

std::vector<std::string> maps_of(const ResumePoint& point) {
  std::vector<std::string> maps;
  const std::vector<MapStretch> stretches = map_stretches(point);
  for (std::size_t i = 0; i + 1 < stretches.size(); ++i)
    maps.push_back(name_of(stretches[i].map) + since_text(stretches[i].since) + ", until step " +
                   with_separators(stretches[i].until));
  if (const RunMap map = map_of(point); !map.name.empty())
    maps.push_back(description(map));
  else if (!maps.empty())
    maps.push_back(name_of(stretches.back().map) + since_text(stretches.back().since));
  return maps;
}

std::vector<PastSettings> history_of(const Checkpoint& checkpoint, const TrainConfig& config) {
  std::vector<PastSettings> history = checkpoint.history;
  // Settings with which no step is made have their effect, too: what they forget stays forgotten.
  if (checkpoint.config != config_file_text(config))
    history.push_back({checkpoint.config, checkpoint.timestep});
  return history;
}

}  // namespace bellman
