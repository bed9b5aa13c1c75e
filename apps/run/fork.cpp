#include "apps/run/fork.h"

#include <optional>
#include <system_error>
#include <utility>

#include "apps/base/fingerprint.h"
#include "apps/base/numbers.h"
#include "apps/run/retrain.h"
#include "apps/run/run_files.h"
#include "apps/settings/config_file.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "rl/train/foreseen.h"

namespace bellman {
namespace {

constexpr std::string_view kLabel = "bellman fork";

/// The run of `newest` after `step`, without its state: settings and history.
ResumePoint without_state(const ResumePoint& newest, Index step) {
  ResumePoint point = {newest.path, {}};
  const std::vector<PastSettings>& history = newest.checkpoint.history;
  std::size_t past = 0;
  while (past < history.size() && history[past].until <= step) ++past;
  point.checkpoint.history.assign(history.begin(), history.begin() + static_cast<std::ptrdiff_t>(past));
  point.checkpoint.config = past < history.size() ? history[past].config : newest.checkpoint.config;
  point.checkpoint.timestep = step;
  return point;
}

void check_fork_step(const ForkRequest& request, const ResumePoint& newest) {
  const std::string parent = request.parent.string();
  if (request.step < 1)
    fail("--at ", request.step, ": a fork has at least 1 step of its parent; `train --config ", parent,
         "/config.toml` begins a run with its settings");
  if (request.step > newest.checkpoint.timestep)
    fail("--at ", request.step, ": the newest checkpoint of ", parent, " is of step ",
         newest.checkpoint.timestep, "; `train --resume ", parent, "` trains on");
}

void check_fork_directory(const ForkRequest& request) {
  std::error_code missing;
  if (std::filesystem::equivalent(request.parent, request.directory, missing))
    fail("--run-dir ", request.directory.string(), ": it is the run that is forked");
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::weakly_canonical(request.parent, error);
  std::filesystem::path above = std::filesystem::weakly_canonical(request.directory, error).parent_path();
  for (; !error && above != above.root_path(); above = above.parent_path())
    if (above == parent)
      fail("--run-dir ", request.directory.string(), ": it lies within the run that is forked, ",
           request.parent.string());
  if (request.overwrite) refuse_other_kind(request.directory, RunKind::kRun);
}

void announce_fork(const ForkRequest& request, const ResumePoint& newest,
                   const std::optional<ResumePoint>& start, std::ostream& notes) {
  if (newest.checkpoint.build != build_id())
    notes << kLabel << ": " << newest.path.string()
          << ": another build of the program made it, which may round differently\n";
  notes << "Training " << printable(request.parent.string()) << " again from "
        << (start ? start->path.filename().string() : "the beginning") << " to step "
        << with_separators(request.step) << " ...\n";
}

}  // namespace

bool make_fork(const ForkRequest& request, std::ostream& notes, const std::atomic<bool>& stop) {
  ResumePoint newest = find_resume_point(request.parent, kLabel, notes);
  newest.checkpoint.state = {};
  check_fork_step(request, newest);
  const ResumePoint there = without_state(newest, request.step);
  const ResolvedConfig before = resumed_config(there, {}, {});
  const ResolvedConfig resolved = resumed_config(there, {}, request.overrides);
  check_map(there, resolved, kLabel, notes);
  validate(resolved);
  check_fork_directory(request);
  std::optional<ResumePoint> start = first_undamaged(
      checkpoints_from(newest),
      [&](const ResumePoint& point) { return point.checkpoint.timestep <= request.step; }, kLabel, notes);
  RunDirectory directory(request.directory, request.overwrite);
  if (start && !request.records) forget_recording(start->checkpoint);
  if (start) copy_logs(request.parent, start->checkpoint, directory);
  announce_fork(request, newest, start, notes);

  const RetrainedLogs logs = {directory, kLabel, notes, request.records};
  std::optional<Checkpoint> common = train_again(newest, request.step, std::move(start), &logs, &stop);
  if (!common) return false;
  ResumePoint fork = {checkpoint_path(directory.path(), request.step), std::move(*common)};
  const std::string own_config = fork.checkpoint.config;
  if (!apply_overrides(fork, resolved.config, nullptr, {}, kLabel, notes, stop)) return false;
  fork.checkpoint.config = config_file_text(resolved.config);
  fork.checkpoint.history.push_back({own_config, request.step, request.parent.string()});
  // Before the checkpoint: with the parent's settings in it, a resumed run would go back to them.
  write_file_atomically(directory / "config.toml", run_config_text(resolved.config));
  sync_directory(directory.path());
  save_checkpoint(fork.path, fork.checkpoint);
  directory.keep();
  for (const std::string& note : foreseen_jumps(before.config, resolved.config, request.step))
    notes << kLabel << ": note: " << note << "\n";
  return true;
}

}  // namespace bellman
