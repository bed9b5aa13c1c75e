// `bellman explain`: one gradient step of a run as a page.

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/commands/command.h"
#include "apps/explain/captured_update.h"
#include "apps/explain/shown_numbers.h"
#include "apps/explain/step_question.h"
#include "apps/explain/update_page.h"
#include "apps/page/page.h"
#include "apps/settings/declare_options.h"

namespace bellman {
namespace {

struct ExplainOptions {
  std::string run_dir, step, sample, state, action, output = "update.html";
  const CLI::Option *step_option = nullptr, *sample_option = nullptr, *state_option = nullptr,
                    *action_option = nullptr;

  StepQuestion question() const {
    return {.step = given_text(*step_option),
            .sample = given_text(*sample_option),
            .tensor = {},
            .state = given_text(*state_option),
            .action = given_text(*action_option)};
  }
};

/// The transition with the largest error: there is most to see in it.
Index most_surprising(const UpdateTrace& trace) {
  return largest_indices(trace.tensor("td_error").values, 1).front();
}

/// Of the state and action that are asked about; without them, of the transition that the page shows.
QChange explained_change(const StepQuestion& question, const UpdateTrace& trace, Index sample) {
  if (sample < 0 || sample >= trace.update.next.batch.size) return {};  // the page refuses it
  const TrainConfig& config = trace.update.config;
  const std::optional<std::vector<double>> state = question.wanted_state(config);
  const auto taken = static_cast<Index>(trace.tensor("action").values[static_cast<std::size_t>(sample)]);
  return split_q_change(trace,
                        state ? observation_of_state(trace, *state) : sample_row(trace.tensor("a0"), sample),
                        question.wanted_action(config).value_or(taken));
}

int explain(const ExplainOptions& options) {
  result_is_a_file();
  const StepQuestion question = options.question();
  const std::optional<Index> step = question.wanted_step();
  check_page_file(options.output);
  const UpdateTrace trace =
      trace_update(capture_update_of_run(options.run_dir, step, "bellman explain", std::cerr,
                                         [&](const TrainConfig& config) { question.check(config); }));
  const Index shown = question.wanted_sample(trace.update.config).value_or(most_surprising(trace));
  const std::string title = "Gradient step " + std::to_string(trace.update.number) + " of " + options.run_dir;
  write_page(options.output, update_page(trace, shown, explained_change(question, trace, shown), title));
  announce_file(options.output);
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
  options->step_option = declare_text(
      command, "--step", options->step, "N",
      "the gradient step, from 1 (train/n_updates in progress.csv); without it the newest checkpoint's last");
  options->sample_option =
      declare_text(command, "--sample", options->sample, "K",
                   "the transition of its batch, from 0; without it that of the largest error");
  options->state_option =
      declare_text(command, "--state", options->state, "NUMBERS",
                   "split the change of this state's Q-value over the batch: x, x_dot, theta, theta_dot of "
                   "CartPole, the cell's "
                   "number of a gridworld; without it the shown transition's");
  options->action_option = declare_text(command, "--action", options->action, "A",
                                        "and of this action, from 0; without it the shown transition's");
  declare_text(command, "-o,--output", options->output, "FILE", "where the page goes");
  return [options] { return explain(*options); };
}

}  // namespace bellman
