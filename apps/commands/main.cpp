// The `bellman` command: finds the subcommand, runs it, and turns everything that can go wrong into one line
// on stderr and an exit code.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "apps/base/process.h"
#include "apps/commands/command.h"
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
    {"sweep", declare_sweep},
    {"eval", declare_eval},
    {"infer", declare_infer},
    {"rollout", declare_rollout},
    {"gradcheck", declare_gradcheck},
    {"inspect", declare_inspect},
    {"verify", declare_verify},
    {"envs", declare_envs},
    // clang-format on
};

/// "bellman: " or "bellman train: ": what the message is about.
std::string prefix(const CLI::App& app) {
  const std::vector<CLI::App*> used = app.get_subcommands();
  return used.empty() ? "bellman: " : "bellman " + used.front()->get_name() + ": ";
}

/// One line on stderr, whatever the message holds: line ends and control characters (which may come from a
/// file or from an argument) are not passed on to the terminal; nor U+0080 to U+009F, which are such too.
int report(const CLI::App& app, std::string message) {
  char before = 0;
  for (char& c : message) {
    const auto byte = static_cast<unsigned char>(c);
    const bool second_set = before == '\xc2' && byte >= 0x80 && byte < 0xa0;
    before = c;
    if (byte < 0x20 || byte == 0x7f) c = ' ';
    if (second_set) c = '\xa0';  // a space, too
  }
  std::cout.flush();
  std::cerr << prefix(app) << message << std::endl;
  return kExitBadInput;
}

/// `code`, when all that was written on stdout has reached its destination, or nobody wants it any more.
int written(const CLI::App& app, int code) {
  std::cout.flush();
  if (std::cout || has_lost_reader(STDOUT_FILENO)) return code;
  return report(app, "standard output cannot be written (is the disk full?)");
}

/// CLI11's "--gamma: 1 required REAL [0, 1] missing".
std::string in_our_words(std::string message) {
  constexpr std::string_view kRequired = ": 1 required ", kMissing = " missing";
  const std::size_t at = message.find(kRequired);
  if (at == std::string::npos || !message.ends_with(kMissing)) return message;
  const std::size_t type = at + kRequired.size();
  return message.substr(0, at) +
         " wants a value: " + message.substr(type, message.size() - kMissing.size() - type);
}

/// The message for arguments that could not be parsed. An unknown option or subcommand is named before all
/// else: it is most often the cause of the rest.
std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<CLI::App*> used = app.get_subcommands();
  const CLI::App& asked = used.empty() ? app : *used.front();
  std::vector<std::string> unknown = asked.remaining();
  if (unknown.empty()) unknown = app.remaining();
  if (unknown.empty()) {
    if (used.empty()) return "no command given; `bellman --help` lists them";
    return in_our_words(error.what());
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
    return "\"" + name + "\" is an option of `bellman " + asked.get_name() + "` and goes behind that word";
  const std::string_view near = nearest_name(name, known);
  if (!near.empty()) return "unknown option \"" + name + "\" (did you mean \"" + std::string(near) + "\"?)";
  return "unknown option \"" + name + "\"; `bellman" + (used.empty() ? "" : " " + asked.get_name()) +
         " --help` lists the options";
}

int run(int argc, char** argv) {
  CLI::App app("bellman: a deep Q-learning engine that hides nothing", "bellman");
  app.set_version_flag("--version", "bellman " BELLMAN_VERSION);
  app.require_subcommand(1);
  app.formatter(help_formatter());  // the subcommands take it over
  app.failure_message(CLI::FailureMessage::simple);
  std::vector<RunCommand> commands;
  for (const Subcommand& subcommand : kSubcommands) commands.push_back(subcommand.declare(app));

  try {
    app.parse(argc, argv);
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
