// Commands and options as the subcommands declare them: all that they know of CLI11, whose code every file
// that calls it compiles anew.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/settings/settings.h"

namespace CLI {
class App;
class FormatterBase;
class Option;
}  // namespace CLI

namespace bellman {

/// A subcommand; `notes` end its --help.
CLI::App& declare_command(CLI::App& parent, const char* name, const char* description,
                          const char* notes = "");

enum class Need { kOptional, kRequired };

/// Of one value, which does not begin with two dashes; given more than once, the last counts. An argument
/// when its name has no dashes. `type` stands behind it in --help, and what `value` holds as its default.
CLI::Option* declare_text(CLI::App& command, const char* name, std::string& value, const char* type,
                          const char* help, Need need = Need::kOptional);
/// `value` becomes true.
void declare_flag(CLI::App& command, const char* name, bool& value, const char* help);
/// Given as often as there are values.
void declare_list(CLI::App& command, const char* name, std::vector<std::string>& values, const char* type,
                  const char* help);
/// For the help of all commands: two columns, and a switch as "--[no-]dueling".
std::shared_ptr<CLI::FormatterBase> help_formatter();

/// Whether an option's help says its value in general: that of a model or none may come before it.
enum class DefaultIn { kHelp, kNothing };

/// --key and its aliases, or for a switch --key and --no-key, in the group of its section.
CLI::Option* declare_setting(CLI::App& command, const Setting& setting, DefaultIn default_in);

// After parsing:
bool is_given(const CLI::Option& option);
/// What it was given last. REQUIRES: is_given.
const std::string& last_text(const CLI::Option& option);

}  // namespace bellman
