// The subcommands of `bellman`. Each is one file, apps/commands/<name>_command.cpp: it declares its options
// and returns the function that runs it. A command reports bad input by throwing bellman::Error; main prints
// it as one line on stderr.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace bellman {

/// Exit codes of every subcommand.
enum ExitCode : int {
  kExitSuccess = 0,
  kExitCheckFailed = 1,    // the command ran, and its check failed (`gradcheck`, `verify`)
  kExitBadInput = 2,       // an option, a file, a value; or the system refused memory or disk
  kExitInterrupted = 130,  // SIGINT ended the run early; its files are written (128 + the signal's number)
};

/// Runs a subcommand whose options have been parsed. Returns an exit code. Throws: Error for bad input.
using RunCommand = std::function<int()>;

/// Each adds its subcommand to `parent`, with options that outlive the call, and returns the function that
/// runs it.
RunCommand declare_train(CLI::App& parent);
RunCommand declare_fork(CLI::App& parent);
RunCommand declare_sweep(CLI::App& parent);
RunCommand declare_eval(CLI::App& parent);
RunCommand declare_watch(CLI::App& parent);
RunCommand declare_infer(CLI::App& parent);
RunCommand declare_export(CLI::App& parent);
RunCommand declare_rollout(CLI::App& parent);
RunCommand declare_gradcheck(CLI::App& parent);
RunCommand declare_course(CLI::App& parent);
RunCommand declare_lab(CLI::App& parent);
RunCommand declare_report(CLI::App& parent);
RunCommand declare_explain(CLI::App& parent);
RunCommand declare_show(CLI::App& parent);
RunCommand declare_inspect(CLI::App& parent);
RunCommand declare_verify(CLI::App& parent);
RunCommand declare_envs(CLI::App& parent);

/// For a command whose result is a page or a picture: it is whole even if nobody reads stdout.
void result_is_a_file();
/// Prints that it was written, its name without control characters.
void announce_file(const std::string& file);

/// As the options of `bellman train` say.
struct ResumeOptions {
  std::string label;  // the beginning of notes: "bellman fork"
  bool quiet = false, no_report = false;
};
/// `bellman train --resume DIRECTORY`, for a command that goes on with it. Returns an exit code.
int resume_run(const std::string& directory, const ResumeOptions& options);

}  // namespace bellman
