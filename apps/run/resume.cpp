#include "apps/run/resume.h"

#include <algorithm>
#include <set>

#include "apps/base/numbers.h"
#include "apps/run/device.h"
#include "apps/settings/config_file.h"
#include "apps/settings/presets.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "envs/grid/grid_map.h"
#include "rl/state/training_state.h"
#include "rl/train/settings_change.h"
#include "rl/train/trainer.h"

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

/// Throws: Error for a setting that is fixed when a run starts.
void check_rule(const Assignment& change, const TrainConfig& before, const TrainConfig& after) {
  const Setting& setting = *change.setting;
  const OverrideRule& rule = setting.override_rule;
  const std::string has = value_text(before, setting), wants = value_text(after, setting);
  if (rule.kind == OverrideKind::kOnlyAtStart && has != wants)
    fail(change.label, ": it is ", printable(has), " and cannot become ", printable(wants), ": ", rule.words);
}

/// Throws: Error for a run that would end before its present step.
void check_end(const ResolvedConfig& resolved, const ResolvedConfig& before, std::int64_t timestep) {
  const Index total = resolved.config.total_timesteps;
  if (total != before.config.total_timesteps && total < timestep)
    fail("--override total_timesteps: ", total, " is before step ", timestep, ", where the run is");
}

/// The settings of a checkpoint's text. Of a map whose text it does not contain they have only the name.
ResolvedConfig parsed_config(const std::string& text, const std::string& source) {
  std::vector<Assignment> assignments = parse_config(text, source).assignments;
  for (Assignment& assignment : assignments) assignment.origin = "checkpoint";
  return with_assignments({}, assignments);
}

std::string source_of_config(const ResumePoint& point) { return point.path.string() + " (config)"; }

ResolvedConfig parsed_config(const ResumePoint& point) {
  return parsed_config(point.checkpoint.config, source_of_config(point));
}

void read_map_of(ResolvedConfig& resolved, const std::string& source) {
  try {
    read_map(resolved.config.env);
  } catch (const Error& error) {
    fail(source, ": ", error.what());
  }
}

/// How `wanted` differs from the run in this setting: "gamma is 0.99, not 0.5"; empty: not at all.
std::string difference_in(const Setting& setting, const TrainConfig& run, const TrainConfig& wanted) {
  const std::string has = value_text(run, setting), wants = value_text(wanted, setting);
  const std::string& text = wanted.env.map.text;  // of a configuration file
  if (has == wants && setting.key == "map" && !text.empty() && plain_map_text(text) != run.env.map.text)
    return "map_text is another";
  if (has == wants || (setting.key == "device" && wants == "auto")) return "";  // auto: any device
  return file_key(setting) + " is " + has + ", not " + wants;
}

}  // namespace

ResolvedConfig saved_config(const std::string& text, const std::string& source) {
  ResolvedConfig resolved = parsed_config(text, source);
  read_map_of(resolved, source);
  return resolved;
}

bool is_within_round(const StateReader& state) {
  return state.count("trainer.learnt_timestep") < state.count("trainer.timestep") ||
         state.count("trainer.evaluation_is_due") != 0;
}

ResolvedConfig resumed_config(const ResumePoint& point, std::span<const Assignment> asked,
                              std::span<const std::string> overrides) {
  const ResolvedConfig before = parsed_config(point);
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

RunConfigFile read_run_config(const std::filesystem::path& directory) {
  RunConfigFile file{directory / "config.toml", {}};
  std::error_code error;
  if (std::filesystem::exists(file.path, error)) file.text = read_text_file(file.path, kMaxConfigBytes);
  return file;
}

std::vector<Assignment> asked_settings(const SettingOptions& options, const ResumePoint& point,
                                       const RunConfigFile& run_config) {
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
  if (preset) add(preset_assignments(*preset, parsed_config(point).config));
  if (file) add(file->assignments);
  add(options.flags());
  if (!run_config.text) return asked;
  // The run's own file is written again: an edit in it must not contradict the run silently.
  const ConfigFile own = parse_config(*run_config.text, run_config.path.string());
  asked.insert(asked.end(), own.assignments.begin(), own.assignments.end());
  return asked;
}

std::vector<std::string> overrides_in_force(const ResumePoint& point, const RunConfigFile& run_config,
                                            const std::vector<std::string>& overrides, std::string_view label,
                                            std::ostream& notes) {
  if (!run_config.text || !is_as_written(*run_config.text)) return overrides;
  const std::string path = run_config.path.string();
  const TrainConfig before = parsed_config(point).config;
  const TrainConfig written = parsed_config(*run_config.text, path).config;
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
    notes << label << ": " << path << ": " << printable(named) << " from step "
          << with_separators(point.checkpoint.timestep) << " on, as --override said after that checkpoint\n";
  all.insert(all.end(), overrides.begin(), overrides.end());
  return all;
}

std::string finished_reason(const ResumePoint& point, const TrainConfig& config) {
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

/// The environment's map for some steps of the run.
struct MapPeriod {
  MapSource map;
  Index since = 0, until = 0;  // environment steps; until: not of the last
};

/// In order; the last is the run's present map.
std::vector<MapPeriod> map_periods(const ResumePoint& point) {
  std::vector<MapPeriod> periods;
  const auto add = [&](const std::string& config, Index until) {
    const MapSource map = parsed_config(config, source_of_config(point)).config.env.map;
    // No step was taken on it.
    if (!periods.empty() && periods.back().until == periods.back().since) periods.pop_back();
    if (periods.empty() || periods.back().map != map)
      periods.push_back({map, periods.empty() ? 0 : periods.back().until, 0});
    periods.back().until = until;
  };
  for (const PastSettings& past : point.checkpoint.history) add(past.config, past.until);
  add(point.checkpoint.config, point.checkpoint.timestep);
  return periods;
}

std::string since_text(Index since) {
  return since == 0 ? " as the run began with it"
                    : " as --override brought it at step " + with_separators(since);
}

std::string name_of(const MapSource& map) {
  return map.name.empty() ? "the environment's own map" : "map " + printable(map.name);
}

/// "map lake.txt as the run began with it; its file is missing now". REQUIRES: it has a name.
std::string description(const RunMap& map) {
  if (!map.is_remembered)
    return "map " + printable(map.name) +
           " as its file is now: the checkpoint is of a version that did not keep it";
  return "map " + printable(map.name) + since_text(map.since) +
         (map.now.is_missing ? "; its file is missing now" : "") +
         (map.now.difference.empty() ? "" : "; in its file now " + map.now.difference);
}

}  // namespace

RunMap map_of(const ResumePoint& point) {
  ResolvedConfig resolved = parsed_config(point);
  const bool is_remembered = !resolved.config.env.map.text.empty();
  read_map_of(resolved, source_of_config(point));
  const EnvOptions& env = resolved.config.env;
  if (env.map.text.empty()) return {};
  return {env.map.name, is_remembered, map_periods(point).back().since, map_file_now(env)};
}

std::vector<std::string> maps_of(const ResumePoint& point) {
  std::vector<std::string> maps;
  const std::vector<MapPeriod> periods = map_periods(point);
  for (std::size_t i = 0; i + 1 < periods.size(); ++i)
    maps.push_back(name_of(periods[i].map) + since_text(periods[i].since) + ", until step " +
                   with_separators(periods[i].until));
  if (const RunMap map = map_of(point); !map.name.empty())
    maps.push_back(description(map));
  else if (!maps.empty())
    maps.push_back(name_of(periods.back().map) + since_text(periods.back().since));
  return maps;
}

void check_map(const ResumePoint& point, const ResolvedConfig& resolved, std::string_view label,
               std::ostream& notes) {
  if (origin_of(resolved, "map") == "override") return;
  const RunMap map = map_of(point);
  if (map.name.empty()) return;
  if (!map.now.difference.empty())
    fail("map ", map.name, ": ", map.now.difference, " in the run: --override map=", map.name,
         " continues in the map as it is now; to continue in the run's own, rename the file");
  if (!map.is_remembered) notes << label << ": " << point.path.string() << ": " << description(map) << "\n";
}

void check_cut_round(const ResumePoint& point, const ResolvedConfig& resolved) {
  if (is_within_round(StateReader(point.checkpoint.state, point.path.string())) &&
      point.checkpoint.config != config_file_text(resolved.config))
    fail(point.path.string(),
         ": a stop cut its last round, which several ranks do not finish with the old settings: resume "
         "it on one rank with --override, or without");
}

std::unique_ptr<Trainer> trainer_at(const ResumePoint& point, const TrainConfig& config,
                                    const Device& device) {
  auto trainer = std::make_unique<Trainer>(config, *device.backend, device.parts);
  trainer->load(StateReader(point.checkpoint.state, point.path.string()));
  return trainer;
}

namespace {

/// A stop may have cut a round: gradient steps, the evaluation and its row may be missing. They are made with
/// the old settings, since the new ones apply from the next step on. False: *stop ended that again; nothing
/// changed.
bool conclude_round(ResumePoint& point, const RunDirectory& directory, const TrainConfig& before,
                    const RunFilesOptions& options, std::string_view label, std::ostream& notes,
                    const std::atomic<bool>& stop) {
  Device device = make_device(before.device, before.threads);
  device.parts.records = options.records;
  const std::unique_ptr<Trainer> trainer = trainer_at(point, before, device);
  RunFiles files(directory, before, point.checkpoint, options);
  files.attach(*trainer, label, notes);
  if (!trainer->conclude_round(&stop)) return false;
  point.checkpoint.logs = files.sizes();
  point.checkpoint.log_tails = files.tails();
  point.checkpoint.state.tensors.clear();
  StateWriter out(point.checkpoint.state);
  trainer->save(out);
  return true;
}

}  // namespace

bool apply_overrides(ResumePoint& point, const TrainConfig& now, const RunDirectory* directory,
                     const RunFilesOptions& options, std::string_view label, std::ostream& notes,
                     const std::atomic<bool>& stop) {
  const std::string text = config_file_text(now), source = point.path.string();
  if (point.checkpoint.config == text) return true;
  const TrainConfig before = saved_config(point.checkpoint.config, source_of_config(point)).config;
  const StateReader state(point.checkpoint.state, source);
  if (directory && is_within_round(state) &&
      !conclude_round(point, *directory, before, options, label, notes, stop))
    return false;
  // As the next checkpoint will have them: without settings that do not apply to the run.
  const TrainConfig after = saved_config(text, source).config;
  state.hand_over("--override", [&] { change_settings(point.checkpoint.state, before, after); });
  return true;
}

std::vector<PastSettings> history_of(const Checkpoint& checkpoint, const TrainConfig& config) {
  std::vector<PastSettings> history = checkpoint.history;
  // Settings have effects even if no step is taken with them: a best network that they discard stays
  // discarded.
  if (checkpoint.config != config_file_text(config))
    history.push_back({checkpoint.config, checkpoint.timestep});
  return history;
}

}  // namespace bellman
