// Commands and options as the subcommands declare them. CLI11 is included only here and in main.cpp: each
// file that includes it compiles slowly.
#pragma once

#include <memory>
#include <optional>
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

/// An option of one value, which does not begin with two dashes; if it is given more than once, the last
/// counts. A name without dashes declares an argument. --help shows `type` and, as the default, what `value`
/// holds.
CLI::Option* declare_text(CLI::App& command, const char* name, std::string& value, const char* type,
                          const char* help, Need need = Need::kOptional);
/// An option without a value: `value` becomes true.
void declare_flag(CLI::App& command, const char* name, bool& value, const char* help);
enum class Values { kOne, kSeveral };
/// An option that may be given many times, each time with one value, or with as many as follow.
CLI::Option* declare_list(CLI::App& command, const char* name, std::vector<std::string>& values,
                          const char* type, const char* help, Values each = Values::kOne);
/// For the help of all commands: two columns, and a switch as "--[no-]dueling".
std::shared_ptr<CLI::FormatterBase> help_formatter();

/// Whether an option's help shows the setting's default: a command that plays a model takes the model's
/// values.
enum class DefaultIn { kHelp, kNothing };

/// --key and its aliases, or for a switch --key and --no-key, in the group of its section.
CLI::Option* declare_setting(CLI::App& command, const Setting& setting, DefaultIn default_in);

// After parsing:
bool is_given(const CLI::Option& option);
/// Its last value. REQUIRES: is_given.
const std::string& last_text(const CLI::Option& option);
/// Likewise; nothing: not given. An empty text was given.
std::optional<std::string> given_text(const CLI::Option& option);

}  // namespace bellman
