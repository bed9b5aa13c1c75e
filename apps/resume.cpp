#include "apps/resume.h"

#include "apps/config_file.h"
#include "core/check.h"
#include "core/printable.h"

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

}  // namespace

ResolvedConfig saved_config(const std::string& text, const std::string& source) {
  std::vector<Assignment> assignments = parse_config(text, source).assignments;
  for (Assignment& assignment : assignments) assignment.origin = "checkpoint";
  return with_assignments({}, assignments);
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
  const ResolvedConfig before = saved_config(point.checkpoint.config, point.path.string() + " (config)");
  std::vector<Assignment> changes;
  for (const std::string& text : overrides) changes.push_back(parse_override(text));
  ResolvedConfig resolved = with_assignments(before, changes);
  resolved.misplaced = misplaced(resolved, changes);
  check_end(resolved, before, point.checkpoint.timestep);
  std::string differences;
  for (const Assignment& assignment : asked) {
    const Setting& setting = *assignment.setting;
    TrainConfig wanted = resolved.config;
    assign(wanted, setting, assignment.label, assignment.text);
    const std::string has = value_text(resolved.config, setting), wants = value_text(wanted, setting);
    if (has == wants || (file_key(setting) == "device" && wants == "auto")) continue;  // auto: any will do
    differences += (differences.empty() ? "" : ", ") + file_key(setting) + " is " + has + ", not " + wants;
  }
  if (!differences.empty())
    fail("the run that is resumed has other settings: ", differences, " (--override KEY=VALUE changes one)");
  return resolved;
}

std::vector<PastSettings> history_of(const Checkpoint& checkpoint, const TrainConfig& config) {
  std::vector<PastSettings> history = checkpoint.history;
  const std::int64_t since = history.empty() ? 0 : history.back().until;  // no step was made with settings
  if (checkpoint.config != config_file_text(config) && since < checkpoint.timestep)  // that last from here
    history.push_back({checkpoint.config, checkpoint.timestep});
  return history;
}

}  // namespace bellman
