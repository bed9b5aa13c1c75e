// `bellman lab`: break Q-learning on purpose, and see which instrument notices.

#include <iostream>
#include <memory>
#include <string>

#include <unistd.h>

#include "apps/base/numbers.h"
#include "apps/base/process.h"
#include "apps/base/terminal.h"
#include "apps/commands/command.h"
#include "apps/lab/lab_experiment.h"
#include "apps/page/page.h"
#include "apps/settings/declare_options.h"
#include "core/base/check.h"

namespace bellman {
namespace {

struct LabOptions {
  bool list = false;
  std::string bug, seeds = "3", output;
};

int list_bugs() {
  for (const LabBug& bug : lab_bugs())
    std::cout << wrapped(std::string(bug.name) + "  " + std::string(bug.what), line_width(STDOUT_FILENO))
              << "\n";
  return kExitSuccess;
}

int lab(const LabOptions& options) {
  if (options.list) return list_bugs();
  result_is_a_file();
  if (options.bug.empty()) fail("give a bug's name; --list shows them");
  const LabBug& bug = find_bug(options.bug);
  const Index seeds = parse_integer("--seeds", options.seeds, 1, 100);
  const std::string file = options.output.empty() ? "lab-" + options.bug + ".html" : options.output;
  check_page_file(file);
  InterruptGuard interrupt;
  std::cerr << wrapped(std::string(bug.what) + "\nTraining with and without it, " +
                           counted(static_cast<std::size_t>(seeds), "seed") + " each ...\n",
                       line_width(STDERR_FILENO));
  const LabExperiment experiment = run_experiment(bug, seeds, interrupt.flag());
  if (interrupt.flag()) return kExitInterrupted;
  for (const Instrument& instrument : experiment.instruments)
    std::cout << wrapped((instrument.notices ? "notices   " : "silent    ") + std::string(instrument.name) +
                             ": sound " + instrument.sound + "; with the bug " + instrument.faulty + "\n",
                         line_width(STDOUT_FILENO));
  write_page(file, lab_page(bug, experiment));
  announce_file(file);
  return kExitSuccess;
}

}  // namespace

RunCommand declare_lab(CLI::App& parent) {
  CLI::App& command = declare_command(
      parent, "lab", "Break Q-learning on purpose, and see which instrument notices",
      "The sound version and the one with the bug are trained side by side with the same seeds.");
  const auto options = std::make_shared<LabOptions>();
  declare_text(command, "BUG", options->bug, "", "the bug's name");
  declare_flag(command, "--list", options->list, "name the bugs, with a sentence about each");
  declare_text(command, "--seeds", options->seeds, "N", "how many of each are trained");
  declare_text(command, "-o,--output", options->output, "FILE",
               "where the page goes; without it lab-BUG.html");
  return [options] { return lab(*options); };
}

}  // namespace bellman
