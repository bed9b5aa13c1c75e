// `bellman verify`: trains a run or a sweep again from its configuration, and compares the saved state.

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/base/fingerprint.h"
#include "apps/base/numbers.h"
#include "apps/commands/command.h"
#include "apps/commands/verify_sweep.h"
#include "apps/run/checkpoint.h"
#include "apps/run/device.h"
#include "apps/run/resume.h"
#include "apps/run/run_directory.h"
#include "apps/settings/declare_options.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "rl/train/settings_change.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

struct VerifyOptions {
  std::string directory, from;
  const CLI::Option* from_option = nullptr;
};

/// The trainer's state.
TensorFile saved(Trainer& trainer) {
  TensorFile state;
  StateWriter out(state);
  trainer.save(out);
  return state;
}

/// The state after step `until` of a run with these settings, from the beginning (null) or from state
/// `start`. `source` names settings and state in messages.
TensorFile train_until(Index until, const TrainConfig& config, const TensorFile* start,
                       const std::string& source) {
  const Device device = make_device(config.device, config.threads);
  Trainer trainer(config, *device.backend, device.parts);
  check_run_memory(trainer.memory(), trainer.memory_before(), trainer.memory().checkpoint_copy,
                   "a copy to compare");
  if (start) {
    const StateReader in(*start, source);
    trainer.load(in);
    if (in.count("trainer.timestep") == until) {
      trainer.conclude_round();
      return saved(trainer);
    }
  }
  TensorFile state;
  std::atomic<bool> stop = false;
  trainer.set_checkpoint_hook(1, [&](Index timestep) {
    if (timestep != until) return;
    state = saved(trainer);
    stop = true;
  });
  trainer.run(&stop);
  if (state.tensors.empty()) fail(source, ": the run of its configuration ends before step ", until);
  return state;
}

/// The state of the run at the step of `goal`, trained again from the beginning (null) or from an earlier
/// checkpoint. Each of its settings (--override) is used for the steps to which it applied.
TensorFile replay(const ResumePoint& goal, const ResumePoint* from) {
  const std::string source = goal.path.string();
  const std::vector<PastSettings>& history = goal.checkpoint.history;
  const auto config_of = [&](std::size_t i) {
    return i < history.size() ? saved_config(history[i].config, source + " (history)").config
                              : resumed_config(goal, {}, {}).config;
  };
  // The steps before `from` are not trained again.
  std::size_t i = from ? std::min(from->checkpoint.history.size(), history.size()) : 0;
  while (from && i < history.size() && history[i].until < from->checkpoint.timestep) ++i;
  TrainConfig config = config_of(i);
  TensorFile state;
  const TensorFile* start = from ? &from->checkpoint.state : nullptr;
  for (; i < history.size(); ++i) {
    state = train_until(history[i].until, config, start, source);
    const TrainConfig next = config_of(i + 1);
    StateReader(state, source).hand_over("history", [&] { change_settings(state, config, next); });
    config = next;
    start = &state;
  }
  return train_until(goal.checkpoint.timestep, config, start, source);
}

/// The checkpoint's state, or for a checkpoint within a round the state at the end of the round: training
/// again stops only between rounds.
TensorFile finished_state(const ResumePoint& goal) {
  const StateReader state(goal.checkpoint.state, goal.path.string());
  if (!is_within_round(state)) return goal.checkpoint.state;
  return train_until(goal.checkpoint.timestep, resumed_config(goal, {}, {}).config, &goal.checkpoint.state,
                     goal.path.string());
}

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
  std::cout << "Training again from " << (from ? from->path.filename().string() : "the beginning")
            << " to step " << with_separators(goal.checkpoint.timestep) << ", to compare with " << name
            << " ...\n"
            << std::flush;
  const std::string difference =
      first_difference(finished_state(goal), replay(goal, from ? &*from : nullptr));
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
