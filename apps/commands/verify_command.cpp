// `bellman verify`: trains a run or a sweep again from its configuration, and compares the saved state.

#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/base/fingerprint.h"
#include "apps/base/numbers.h"
#include "apps/commands/command.h"
#include "apps/commands/verify_sweep.h"
#include "apps/run/checkpoint.h"
#include "apps/run/resume.h"
#include "apps/run/retrain.h"
#include "apps/run/run_directory.h"
#include "apps/settings/declare_options.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

struct VerifyOptions {
  std::string directory, from;
  const CLI::Option* from_option = nullptr;
};

/// The checked checkpoints of a run.
struct CheckedFiles {
  std::string damage;  // a line for each damaged one; printed first, so that the rest does not hide them
  std::size_t right = 0, damaged = 0, removed = 0;
  std::optional<ResumePoint> newest;  // undamaged one
};

CheckedFiles check_files(const std::vector<std::filesystem::path>& paths) {
  CheckedFiles files;
  for (const std::filesystem::path& path : paths) {
    try {
      Checkpoint checkpoint = load_checkpoint(path);
      ++files.right;
      if (!files.newest) files.newest = ResumePoint{path, std::move(checkpoint)};
    } catch (const Error& error) {
      if (!std::filesystem::exists(path)) {  // a run that is training removed it: --keep
        ++files.removed;
        continue;
      }
      ++files.damaged;
      files.damage.append(error.what()).append("\n");
    }
  }
  return files;
}

void print(const CheckedFiles& files, std::ostream& out) {
  out << files.damage;
  if (files.damaged == 0 && files.right > 0)
    out << counted(files.right, "checkpoint") << ": every hash is right\n";
  else if (files.damaged > 0)
    out << "Of " << counted(files.right + files.damaged, "checkpoint") << " " << files.damaged
        << (files.damaged == 1 ? " is damaged\n" : " are damaged\n");
  if (files.removed > 0)
    out << counted(files.removed, "checkpoint") << (files.removed == 1 ? " was" : " were")
        << " removed meanwhile\n";
}

int verify_run(const VerifyOptions& options) {
  const std::vector<std::filesystem::path> all = checkpoints_of(options.directory);
  if (all.empty()) {
    refuse_held_directory(options.directory);
    fail("run directory ", options.directory, ": there is no checkpoint to verify");
  }
  std::optional<ResumePoint> from;
  if (is_given(*options.from_option)) from = ResumePoint{options.from, load_checkpoint(options.from)};
  const CheckedFiles files = check_files(all);
  print(files, std::cout);
  if (!files.newest) return kExitCheckFailed;
  const ResumePoint& goal = *files.newest;
  const std::string name = goal.path.filename().string();

  if (from && from->checkpoint.timestep > goal.checkpoint.timestep)
    fail(options.from, ": is of step ", from->checkpoint.timestep, ", after the one to verify, of step ",
         goal.checkpoint.timestep);
  for (const std::string& map : maps_of(goal)) std::cout << "Environment: " << map << "\n";
  if (const PastSettings* const fork = fork_in(goal.checkpoint.history))
    std::cout << "A fork of " << printable(fork->forked) << " from step " << with_separators(fork->until)
              << " on; the steps up to there are trained again, too\n";
  std::cout << "Training again from " << (from ? from->path.filename().string() : "the beginning")
            << " to step " << with_separators(goal.checkpoint.timestep) << ", to compare with " << name
            << " ...\n"
            << std::flush;
  const std::string difference = first_difference(
      at_end_of_round(goal).state, train_again(goal, goal.checkpoint.timestep, std::move(from))->state);
  if (!difference.empty()) {
    std::cout << "Different: " << printable(difference) << " is the first tensor of " << name
              << " that is not the same.\n";
    if (goal.checkpoint.build != build_id())
      std::cout << "The checkpoint was made by another build of the program (" << goal.checkpoint.build
                << "), which may round differently.\n";
    return kExitCheckFailed;
  }
  std::cout << "Identical: all " << goal.checkpoint.state.tensors.size() << " tensors of " << name
            << " to the last bit, wall times aside"
            << (files.damaged > 0 ? "; the damaged " + std::string(files.damaged == 1 ? "one" : "ones") +
                                        " cannot be compared.\n"
                                  : ".\n");
  return files.damaged > 0 ? kExitCheckFailed : kExitSuccess;
}

int verify(const VerifyOptions& options) {
  if (!is_sweep_directory(options.directory)) return verify_run(options);
  if (is_given(*options.from_option))
    fail("--from: ", options.directory, " is a sweep: each of its runs is trained from its beginning");
  return verify_sweep(options.directory, std::cout);
}

}  // namespace

RunCommand declare_verify(CLI::App& parent) {
  CLI::App& command = declare_command(
      parent, "verify", "Check the saved files of a run or a sweep, and train it again to compare",
      "Every run of a sweep that has saved something is trained again: to the step of its state, or to\n"
      "its results.\n"
      "Exit codes: 0 identical; 1 a file is damaged or the result differs; 2 bad input.");
  const auto options = std::make_shared<VerifyOptions>();
  declare_text(command, "DIR", options->directory, "", "a run's directory, or a sweep's", Need::kRequired);
  options->from_option = declare_text(command, "--from", options->from, "FILE",
                                      "start a run at this checkpoint, not at the beginning");
  return [options] { return verify(*options); };
}

}  // namespace bellman
