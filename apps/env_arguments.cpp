#include "apps/env_arguments.h"

#include <string>

#include "apps/declare_options.h"
#include "apps/settings.h"
#include "core/check.h"

namespace bellman {

struct EnvArguments::Argument {
  const Setting* setting = nullptr;
  CLI::Option* option = nullptr;
};

EnvArguments::EnvArguments(CLI::App& command) {
  for (const Setting& setting : settings()) {
    if (setting.section != "Environment") continue;
    arguments_.push_back(std::make_unique<Argument>(Argument{&setting, declare_setting(command, setting)}));
  }
}

EnvArguments::~EnvArguments() = default;

bool EnvArguments::given() const {
  for (const std::unique_ptr<Argument>& argument : arguments_)
    if (is_given(*argument->option)) return true;
  return false;
}

EnvOptions EnvArguments::resolve(const std::optional<EnvOptions>& known) const {
  TrainConfig asked;  // the table writes into the environment of a whole configuration
  bool id_given = false;
  const auto assign_given = [&] {
    for (const std::unique_ptr<Argument>& argument : arguments_) {
      if (!is_given(*argument->option)) continue;
      id_given = id_given || argument->setting->key == "env-id";
      assign(asked, *argument->setting, "--" + std::string(argument->setting->key),
             last_text(*argument->option));
    }
  };
  assign_given();
  if (!known && !id_given) fail("no environment is named: give --env-id (`bellman envs` lists them)");
  if (known && (!id_given || asked.env.id == known->id)) {
    asked.env = *known;
    assign_given();
  }
  return asked.env;
}

}  // namespace bellman
