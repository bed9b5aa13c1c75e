// `bellman fork`: what would have become of a run with another setting from some step on.

#include <array>
#include <cmath>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

#include "apps/base/numbers.h"
#include "apps/base/process.h"
#include "apps/base/terminal.h"
#include "apps/commands/command.h"
#include "apps/report/run_data.h"
#include "apps/run/fork.h"
#include "apps/settings/declare_options.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

struct ForkOptions {
  std::string parent, step, directory;
  std::vector<std::string> overrides;
  bool overwrite = false, no_report = false, quiet = false;
};

constexpr const char* kSteps = "time/total_timesteps";

/// The rows of two runs' progress.csv at the same steps, in order.
struct SharedRows {
  const Columns &parent, &fork;
  std::vector<std::pair<std::size_t, std::size_t>> rows;
};

SharedRows shared_rows(const Columns& parent, const Columns& fork) {
  SharedRows shared = {parent, fork, {}};
  const auto a = parent.find(kSteps), b = fork.find(kSteps);
  if (a == parent.end() || b == fork.end()) return shared;
  for (std::size_t i = 0, j = 0; i < a->second.size() && j < b->second.size();) {
    const double left = a->second[i], right = b->second[j];
    if (left == right) shared.rows.emplace_back(i, j);
    i += left <= right ? 1 : 0;
    j += right <= left ? 1 : 0;
  }
  return shared;
}

bool is_wall_time(const std::string& column) { return column == "time/fps" || column == "time/seconds"; }

/// The step of the first row in which the two differ, wall times aside.
std::optional<double> first_differing_step(const SharedRows& shared) {
  for (const auto& [i, j] : shared.rows)
    for (const auto& [name, values] : shared.parent) {
      const auto other = shared.fork.find(name);
      if (is_wall_time(name) || other == shared.fork.end()) continue;
      const double a = values[i], b = other->second[j];
      if (a != b && !(std::isnan(a) && std::isnan(b))) return shared.parent.at(kSteps)[i];
    }
  return std::nullopt;
}

/// How the two ended: of each number, where both have it for the last time at the same step.
std::string comparison(const SharedRows& shared, std::size_t width) {
  constexpr std::array kColumns = {"eval/mean_reward", "rollout/ep_rew_mean", "train/loss", "train/mean_q"};
  Table table({"at the end", "step", "parent", "fork", "difference"},
              {Align::kLeft, Align::kRight, Align::kRight, Align::kRight, Align::kRight});
  for (const char* const name : kColumns) {
    const auto a = shared.parent.find(name), b = shared.fork.find(name);
    if (a == shared.parent.end() || b == shared.fork.end()) continue;
    for (auto row = shared.rows.rbegin(); row != shared.rows.rend(); ++row) {
      const double left = a->second[row->first], right = b->second[row->second];
      if (std::isnan(left) || std::isnan(right)) continue;
      table.add({name, with_separators(static_cast<Index>(shared.parent.at(kSteps)[row->first])),
                 short_number(left), short_number(right), short_number(right - left)});
      break;
    }
  }
  const std::optional<double> differs = first_differing_step(shared);
  return table.text(width) +
         wrapped((differs ? "The first row of progress.csv that differs is that of step " +
                                with_separators(static_cast<Index>(*differs))
                          : std::string("No row of progress.csv differs where both have one")) +
                     ".\n",
                 width);
}

int fork_run(const ForkOptions& options) {
  constexpr Index kMost = Index{1} << 53;
  const ForkRequest request = {.parent = options.parent,
                               .step = parse_integer("--at", options.step, 1, kMost),
                               .overrides = options.overrides,
                               .directory = options.directory,
                               .overwrite = options.overwrite,
                               .records = !options.no_report};
  {
    outlive_readers(/*prints_result=*/false);
    InterruptGuard interrupt;
    interrupt.announce(STDERR_FILENO, "Ending early: nothing is left of the fork.\n");
    if (!make_fork(request, std::cerr, interrupt.flag())) return 128 + interrupt.signal();
  }
  const int code = resume_run(
      options.directory, {.label = "bellman fork", .quiet = options.quiet, .no_report = options.no_report});
  if (options.quiet) return code;
  std::string differences;
  try {
    differences = comparison(
        shared_rows(read_csv(request.parent / "progress.csv"), read_csv(request.directory / "progress.csv")),
        line_width(STDOUT_FILENO));
  } catch (const Error& error) {  // the fork is whole, whatever became of the parent's log
    std::cerr << "bellman fork: note: there is no comparison with the parent: " << error.what() << "\n";
  }
  std::cout << "\n"
            << differences << "`" << program_to_type() << " report " << shell_word(options.parent) << " "
            << shell_word(options.directory) << "` draws both.\n";
  return code;
}

}  // namespace

RunCommand declare_fork(CLI::App& parent) {
  CLI::App& command = declare_command(
      parent, "fork", "Train a run otherwise from some step on, to compare",
      "The run is trained again from its newest checkpoint before the step, to the same bits, and goes on\n"
      "from there with the overridden settings in a directory of its own; the run itself is only read.\n"
      "Without --override the fork is the run, to the last bit. Exit codes: as `bellman train`.");
  const auto options = std::make_shared<ForkOptions>();
  declare_text(command, "DIR", options->parent, "", "the run", Need::kRequired);
  declare_text(command, "--at", options->step, "STEP", "the environment step up to which the two are one",
               Need::kRequired);
  declare_list(command, "--override", options->overrides, "KEY=VALUE",
               "a setting that replaces the run's from there on, as with `train --resume`");
  declare_text(command, "--run-dir", options->directory, "DIR", "where the fork's files go", Need::kRequired);
  declare_flag(command, "--overwrite", options->overwrite, "replace the run that is in --run-dir");
  declare_flag(command, "--no-report", options->no_report,
               "write no diagnostics.csv while it trains, and no report.html at the end");
  declare_flag(command, "--quiet", options->quiet, "no progress, no summary and no comparison");
  return [options] { return fork_run(*options); };
}

}  // namespace bellman
