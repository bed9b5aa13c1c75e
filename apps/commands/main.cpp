// The `bellman` command: finds the subcommand, runs it, and turns every error into one line on stderr and an
// exit code.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "apps/base/clean_stderr.h"
#include "apps/base/process.h"
#include "apps/commands/command.h"
#include "apps/ranks/launch.h"
#include "apps/settings/declare_options.h"
#include "core/base/text.h"

namespace bellman {
namespace {

struct Subcommand {
  std::string_view name;
  RunCommand (*declare)(CLI::App& parent);
};

constexpr Subcommand kSubcommands[] = {
    // clang-format off
    {"train", declare_train},
    {"fork", declare_fork},
    {"sweep", declare_sweep},
    {"eval", declare_eval},
    {"watch", declare_watch},
    {"infer", declare_infer},
    {"export", declare_export},
    {"rollout", declare_rollout},
    {"gradcheck", declare_gradcheck},
    {"course", declare_course},
    {"lab", declare_lab},
    {"report", declare_report},
    {"show", declare_show},
    {"explain", declare_explain},
    {"inspect", declare_inspect},
    {"verify", declare_verify},
    {"envs", declare_envs},
    // clang-format on
};

/// "bellman: " or "bellman train: ": the beginning of a message.
std::string prefix(const CLI::App& app) {
  const std::vector<CLI::App*> used = app.get_subcommands();
  return used.empty() ? "bellman: " : "bellman " + used.front()->get_name() + ": ";
}

/// Prints one line on stderr: line ends in the message become spaces, as CleanStderr does with control characters.
int report(const CLI::App& app, std::string message) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::cout.flush();
  let_lower_ranks_speak();
  std::cerr << prefix(app) << message << std::endl;
  return kExitBadInput;
}

/// `code`, when all output on stdout was written, or its reader has gone away.
int written(const CLI::App& app, int code) {
  std::cout.flush();
  if (std::cout || has_lost_reader(STDOUT_FILENO)) return code;
  return report(app, stdout_was_closed() ? "standard output is closed: the result is lost"
                                         : "standard output cannot be written (is the disk full?)");
}

/// Rewrites CLI11's "--gamma: 1 required REAL [0, 1] missing".
std::string missing_value_text(std::string message) {
  constexpr std::string_view kRequired = ": 1 required ", kMissing = " missing";
  const std::size_t at = message.find(kRequired);
  if (at == std::string::npos || !message.ends_with(kMissing)) return message;
  const std::size_t type = at + kRequired.size();
  return message.substr(0, at) +
         " needs a value: " + message.substr(type, message.size() - kMissing.size() - type);
}

/// The message for arguments that could not be parsed. It names an unknown option or subcommand first, which
/// is most often the cause of other errors.
std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<CLI::App*> used = app.get_subcommands();
  const CLI::App& asked = used.empty() ? app : *used.front();
  std::vector<std::string> unknown = asked.remaining();
  if (unknown.empty()) unknown = app.remaining();
  if (unknown.empty()) {
    if (used.empty()) return "no command given; `bellman --help` lists them";
    return missing_value_text(error.what());
  }
  const std::string& argument = unknown.front();
  const std::string name = argument.substr(0, argument.find('='));
  if (!name.starts_with("-")) {
    if (!used.empty()) return "unexpected argument \"" + argument + "\"";
    std::vector<std::string_view> known;
    for (const Subcommand& subcommand : kSubcommands) known.push_back(subcommand.name);
    return "unknown command \"" + name + "\"" + suggestion(name, known);
  }
  const bool before_command = !used.empty() && asked.remaining().empty();
  std::vector<std::string> names;
  for (const CLI::Option* option : asked.get_options())
    for (const std::string& long_name : option->get_lnames()) names.push_back("--" + long_name);
  const std::vector<std::string_view> known(names.begin(), names.end());
  if (before_command && std::find(known.begin(), known.end(), name) != known.end())
    return "\"" + name + "\" is an option of `bellman " + asked.get_name() +
           "` and must come after that word";
  const std::string_view near = nearest_name(name, known);
  if (!near.empty()) return "unknown option \"" + name + "\" (did you mean \"" + std::string(near) + "\"?)";
  return "unknown option \"" + name + "\"; `bellman" + (used.empty() ? "" : " " + asked.get_name()) +
         " --help` lists the options";
}

/// The arguments, the last first, as CLI11 parses them. `--state=` becomes `--state ""`: CLI11 would take the
/// next argument as its value.
std::vector<std::string> reversed_arguments(const CLI::App& app, int argc, char** argv) {
  const std::vector<const CLI::App*> commands = app.get_subcommands(
      [&](const CLI::App* command) { return argc > 1 && command->get_name() == argv[1]; });
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    const std::string argument = argv[i];
    const bool is_empty = argument.starts_with("--") && argument.ends_with('=') && !commands.empty();
    const std::string name = argument.substr(0, argument.size() - 1);
    const CLI::Option* const option = is_empty ? commands.front()->get_option_no_throw(name) : nullptr;
    if (option && option->get_items_expected_max() > 0) {
      arguments.emplace_back();
      arguments.push_back(name);
    } else {
      arguments.push_back(argument);
    }
  }
  return arguments;
}

int run(int argc, char** argv) {
  const CleanStderr clean_stderr;
  CLI::App app("bellman: a deep Q-learning engine that hides nothing", "bellman");
  app.set_version_flag("--version", "bellman " BELLMAN_VERSION);
  app.require_subcommand(1);
  app.formatter(help_formatter());  // the subcommands inherit it
  app.failure_message(CLI::FailureMessage::simple);
  std::vector<RunCommand> commands;
  for (const Subcommand& subcommand : kSubcommands) commands.push_back(subcommand.declare(app));

  try {
    app.parse(reversed_arguments(app, argc, argv));
    int code = kExitSuccess;
    for (std::size_t i = 0; i < commands.size(); ++i)
      if (app.got_subcommand(std::string(kSubcommands[i].name))) code = commands[i]();
    return written(app, code);
  } catch (const CLI::ParseError& error) {
    const bool help_or_version = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
    return help_or_version ? written(app, app.exit(error)) : report(app, explain(app, error));
  } catch (const std::exception& error) {
    return report(app, error_text(error));
  }
}

}  // namespace
}  // namespace bellman

int main(int argc, char** argv) {
  try {
    bellman::prepare_process();
    return bellman::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bellman: %s\n", bellman::error_text(error).c_str());
  } catch (...) {
    std::fprintf(stderr, "bellman: an unknown error\n");
  }
  return bellman::kExitBadInput;
}
