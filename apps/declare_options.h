// Options as several subcommands declare them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/settings.h"

namespace CLI {
class App;
class FormatterBase;
class Option;
}  // namespace CLI

namespace bellman {

/// Of one value; given more than once, the last counts. `type` stands behind it in --help.
CLI::Option* declare_text(CLI::App& command, const char* name, std::string& value, const char* type,
                          const char* help);
/// Given as often as there are values.
CLI::Option* declare_list(CLI::App& command, const char* name, std::vector<std::string>& values,
                          const char* type, const char* help);
/// For the help of all commands: two columns, and a switch as "--[no-]dueling".
std::shared_ptr<CLI::FormatterBase> help_formatter();

/// --key, or for a switch --key and --no-key, in the group of its section.
CLI::Option* declare_setting(CLI::App& command, const Setting& setting);

}  // namespace bellman
