#include "apps/settings/env_arguments.h"

#include <algorithm>
#include <string>
#include <utility>

#include "apps/settings/declare_options.h"
#include "apps/settings/resolve.h"
#include "apps/settings/settings.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {

struct EnvArguments::Argument {
  const Setting* setting = nullptr;
  CLI::Option* option = nullptr;
};

EnvArguments::EnvArguments(CLI::App& command) {
  for (const Setting& setting : settings()) {
    if (setting.section != "Environment") continue;
    arguments_.push_back(std::make_unique<Argument>(
        Argument{&setting, declare_setting(command, setting, DefaultIn::kNothing)}));
  }
}

EnvArguments::~EnvArguments() = default;

std::vector<Assignment> EnvArguments::flags() const {
  std::vector<Assignment> assignments;
  for (const std::unique_ptr<Argument>& argument : arguments_)
    if (is_given(*argument->option))
      assignments.push_back(
          {argument->setting, last_text(*argument->option), flag_name(*argument->setting), "flag"});
  return assignments;
}

bool EnvArguments::given() const { return !flags().empty(); }

EnvOptions EnvArguments::resolve(const std::optional<EnvOptions>& known) const {
  const std::vector<Assignment> asked = flags();
  // The table writes into the environment of a whole configuration.
  ResolvedConfig resolved = with_assignments({}, asked);
  const bool id_given = std::any_of(asked.begin(), asked.end(), [](const Assignment& assignment) {
    return assignment.setting->key == "env-id";
  });
  if (!known && !id_given) fail("no environment is named: give --env-id (`bellman envs` lists them)");
  if (known && (!id_given || resolved.config.env.id == known->id)) {
    resolved = {.config = {}, .preset = "none", .origins = {settings().size(), "model"}};
    resolved.config.env = *known;
    resolved = with_assignments(std::move(resolved), asked);
  }
  resolved.misplaced = misplaced(resolved, asked);
  validate(resolved);
  read_map(resolved.config.env);
  return resolved.config.env;
}

EnvOptions EnvArguments::resolve(const std::optional<EnvOptions>& known, std::ostream& warnings,
                                 std::string_view label) const {
  EnvOptions env = resolve(known);
  if (!known || env.map != known->map) return env;
  if (const std::string difference = map_file_now(env).difference; !difference.empty())
    warnings << label << ": map " << printable(env.map.name) << ": " << difference
             << " in the model: it plays there (--map takes the file as it is now)\n";
  return env;
}

}  // namespace bellman
