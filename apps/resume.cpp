#include "apps/resume.h"

#include <vector>

#include "apps/config_file.h"
#include "core/check.h"
#include "core/printable.h"

namespace bellman {
namespace {

std::size_t number_of(const Setting& setting) {
  return static_cast<std::size_t>(&setting - settings().data());
}

ResolvedConfig config_of(const ResumePoint& point) {
  ResolvedConfig resolved;
  resolved.origins.assign(settings().size(), "default");
  const std::string name = point.path.string() + " (config)";
  for (const Assignment& assignment : parse_config(point.checkpoint.config, name).assignments) {
    assign(resolved.config, *assignment.setting, assignment.label, assignment.text);
    resolved.origins[number_of(*assignment.setting)] = "checkpoint";
  }
  return resolved;
}

void apply_override(ResolvedConfig& resolved, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) fail("--override: \"", printable(text), "\" is no KEY=VALUE");
  const Setting* const setting = find_setting(text.substr(0, equals));
  if (!setting)
    fail("--override: unknown setting \"", printable(text.substr(0, equals)), "\"",
         setting_suggestion(text.substr(0, equals)));
  assign(resolved.config, *setting, "--override " + file_key(*setting), text.substr(equals + 1));
  resolved.origins[number_of(*setting)] = "override";
}

}  // namespace

ResumePoint find_resume_point(const std::filesystem::path& directory, std::ostream& warnings) {
  const std::vector<std::filesystem::path> all = checkpoints_of(directory);
  if (all.empty()) fail("run directory ", directory.string(), ": there is no checkpoint to resume from");
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
  ResolvedConfig resolved = config_of(point);
  for (const std::string& text : overrides) apply_override(resolved, text);
  std::string differences;
  for (const Assignment& assignment : asked) {
    const Setting& setting = *assignment.setting;
    TrainConfig wanted = resolved.config;
    assign(wanted, setting, assignment.label, assignment.text);
    const std::string has = value_text(resolved.config, setting), wants = value_text(wanted, setting);
    if (has == wants) continue;
    differences += (differences.empty() ? "" : ", ") + file_key(setting) + " is " + has + ", not " + wants;
  }
  if (!differences.empty())
    fail("the run that is resumed has other settings: ", differences, " (--override KEY=VALUE changes one)");
  return resolved;
}

}  // namespace bellman
