#include "apps/resume.h"

#include "apps/config_file.h"
#include "core/check.h"
#include "core/printable.h"
#include "envs/grid_map.h"

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
  read_map_of(resolved, source_of_config(point));
  check_end(resolved, before, point.checkpoint.timestep);
  std::string differences;
  for (const Assignment& assignment : asked) {
    TrainConfig wanted = resolved.config;
    apply(wanted, assignment);
    const std::string difference = difference_in(*assignment.setting, resolved.config, wanted);
    if (!difference.empty()) differences += (differences.empty() ? "" : ", ") + difference;
  }
  if (!differences.empty())
    fail("the run that is resumed has other settings: ", differences, " (--override KEY=VALUE changes one)");
  return resolved;
}

RunMap map_of(const ResumePoint& point) {
  ResolvedConfig resolved = parsed_config(point.checkpoint.config, source_of_config(point));
  const bool is_remembered = !resolved.config.env.map.text.empty();
  read_map_of(resolved, source_of_config(point));
  const EnvOptions& env = resolved.config.env;
  if (env.map.text.empty()) return {};
  return {env.map.name, is_remembered, map_file_now(env)};
}

std::string description(const RunMap& map) {
  if (!map.is_remembered)
    return "map " + printable(map.name) +
           " as its file is now: the checkpoint is of a version that did not keep it";
  return "map " + printable(map.name) + " as the run began with it" +
         (map.now.is_missing ? "; its file is missing now" : "") +
         (map.now.difference.empty() ? "" : "; in its file now " + map.now.difference);
}

std::vector<PastSettings> history_of(const Checkpoint& checkpoint, const TrainConfig& config) {
  std::vector<PastSettings> history = checkpoint.history;
  const std::int64_t since = history.empty() ? 0 : history.back().until;  // no step was made with settings
  if (checkpoint.config != config_file_text(config) && since < checkpoint.timestep)  // that last from here
    history.push_back({checkpoint.config, checkpoint.timestep});
  return history;
}

}  // namespace bellman
