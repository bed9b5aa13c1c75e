// `bellman show`: one gradient step of a run, number by number, on the terminal.

#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "apps/base/json_text.h"
#include "apps/base/terminal.h"
#include "apps/commands/command.h"
#include "apps/explain/captured_update.h"
#include "apps/explain/step_question.h"
#include "apps/explain/update_text.h"
#include "apps/settings/declare_options.h"

namespace bellman {
namespace {

struct ShowOptions {
  std::string run_dir, step, sample = "0", tensor;
  const CLI::Option *step_option = nullptr, *tensor_option = nullptr;
  bool json = false;

  StepQuestion question() const {
    return {.step = given_text(*step_option),
            .sample = sample,
            .tensor = given_text(*tensor_option),
            .state = {},
            .action = {}};
  }
};

int show(const ShowOptions& options) {
  const StepQuestion question = options.question();
  const std::optional<Index> step = question.wanted_step();
  const UpdateTrace trace =
      trace_update(capture_update_of_run(options.run_dir, step, "bellman show", std::cerr,
                                         [&](const TrainConfig& config) { question.check(config); }));
  if (question.tensor) {
    const TracedTensor& tensor = trace.tensor(*question.tensor);
    std::cout << (options.json ? json_line(tensor_json(tensor)) : tensor_text(tensor));
  } else if (options.json) {
    std::cout << json_line(update_json(trace));
  } else {
    std::cout << update_text(trace, *question.wanted_sample(trace.update.config), line_width(STDOUT_FILENO));
  }
  return kExitSuccess;
}

}  // namespace

RunCommand declare_show(CLI::App& parent) {
  CLI::App& command = declare_command(
      parent, "show", "Print one gradient step of a run, number by number",
      "The run is trained again from its newest checkpoint before the step, to the same bits.\n"
      "`bellman explain` draws the same step as a page.");
  const auto options = std::make_shared<ShowOptions>();
  declare_text(command, "--run-dir", options->run_dir, "DIR", "the run", Need::kRequired);
  options->step_option = declare_text(
      command, "--step", options->step, "N",
      "the gradient step, from 1 (train/n_updates in progress.csv); without it the newest checkpoint's last");
  declare_text(command, "--sample", options->sample, "K", "the transition of its batch, from 0");
  options->tensor_option = declare_text(command, "--tensor", options->tensor, "NAME",
                                        "print all numbers of this one: gradient.0.weight");
  declare_flag(command, "--json", options->json, "print JSON: every tensor and every draw");
  return [options] { return show(*options); };
}

}  // namespace bellman
