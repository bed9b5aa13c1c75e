// `bellman explain`: one gradient step of a run as a page.

#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/base/numbers.h"
#include "apps/commands/command.h"
#include "apps/explain/captured_update.h"
#include "apps/explain/shown_numbers.h"
#include "apps/explain/update_page.h"
#include "apps/page/page.h"
#include "apps/settings/declare_options.h"

namespace bellman {
namespace {

struct ExplainOptions {
  std::string run_dir, step, sample, state, action, output = "update.html";
};

/// The transition with the largest error: there is most to see in it.
Index most_surprising(const UpdateTrace& trace) {
  return largest_indices(trace.tensor("td_error").values, 1).front();
}

/// Of the state and action that are asked about; without them, of the transition that the page shows.
QChange explained_change(const ExplainOptions& options, const UpdateTrace& trace, Index sample) {
  constexpr double kMostState = std::numeric_limits<float>::max();
  const EnvSpec& env = trace.update.env;
  if (sample < 0 || sample >= trace.update.next.batch.size) return {};  // the page refuses it
  std::vector<double> observation = sample_row(trace.tensor("a0"), sample);
  if (!options.state.empty())
    observation = observation_of_state(trace, parse_reals("--state", options.state, -kMostState, kMostState));
  Index action = static_cast<Index>(trace.tensor("action").values[static_cast<std::size_t>(sample)]);
  if (!options.action.empty()) action = parse_integer("--action", options.action, 0, env.num_actions - 1);
  return split_q_change(trace, observation, action);
}

int explain(const ExplainOptions& options) {
  constexpr Index kMost = Index{1} << 53;
  std::optional<Index> step, sample;
  if (!options.step.empty()) step = parse_integer("--step", options.step, 1, kMost);
  if (!options.sample.empty()) sample = parse_integer("--sample", options.sample, 0, kMost);
  check_page_file(options.output);
  const UpdateTrace trace =
      trace_update(capture_update_of_run(options.run_dir, step, "bellman explain", std::cerr));
  const Index shown = sample.value_or(most_surprising(trace));
  const std::string title = "Gradient step " + std::to_string(trace.update.number) + " of " + options.run_dir;
  write_page(options.output, update_page(trace, shown, explained_change(options, trace, shown), title));
  std::cout << "Wrote " << options.output << ": open it in a browser.\n";
  return kExitSuccess;
}

}  // namespace

RunCommand declare_explain(CLI::App& parent) {
  CLI::App& command = declare_command(
      parent, "explain",
      "Draw one gradient step of a run as a page: every number, from the replay to the weights",
      "The run is trained again from its newest checkpoint before the step, to the same bits.\n"
      "The page is one file and needs no network. `bellman show` prints the same step.");
  const auto options = std::make_shared<ExplainOptions>();
  declare_text(command, "--run-dir", options->run_dir, "DIR", "the run", Need::kRequired);
  declare_text(
      command, "--step", options->step, "N",
      "the gradient step, from 1 (train/n_updates in progress.csv); without it the newest checkpoint's last");
  declare_text(command, "--sample", options->sample, "K",
               "the transition of its batch, from 0; without it that of the largest error");
  declare_text(command, "--state", options->state, "NUMBERS",
               "split the change of this state's Q-value over the batch: x, x_dot, theta, theta_dot of "
               "CartPole, the cell's "
               "number of a gridworld; without it the shown transition's");
  declare_text(command, "--action", options->action, "A",
               "and of this action, from 0; without it the shown transition's");
  declare_text(command, "-o,--output", options->output, "FILE", "where the page goes");
  return [options] { return explain(*options); };
}

}  // namespace bellman
