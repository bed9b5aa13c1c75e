#include "apps/run/retrain.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "apps/base/fingerprint.h"
#include "apps/run/device.h"
#include "apps/run/run_files.h"
#include "core/base/check.h"
#include "rl/train/settings_change.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

/// Ends the training at the step that was wanted, with nothing of what a run does at its end.
struct Reached {};

TensorFile saved_state(Trainer& trainer) {
  TensorFile state;
  StateWriter out(state);
  trainer.save(out);
  return state;
}

/// Trains `run` on, from its beginning when it has no state yet, with its settings to step `until`. False: stopped.
/// `source` names settings and state in messages.
bool advance(Checkpoint& run, Index until, const std::string& source, const RetrainedLogs* logs,
             const std::atomic<bool>* stop) {
  const TrainConfig config = saved_config(run.config, source).config;
  const Device device = make_device(config.device, config.threads);
  TrainerParts parts = device.parts;
  parts.records = logs && logs->records;
  Trainer trainer(config, *device.backend, parts);
  check_run_memory(trainer.memory(), trainer.memory_before(), trainer.memory().checkpoint_copy,
                   "a copy of its state");
  const bool has_begun = !run.state.tensors.empty();
  bool is_there = false, is_cut = false;
  if (has_begun) {
    const StateReader in(run.state, source);
    trainer.load(in);
    is_there = in.count("trainer.timestep") == until;
    is_cut = is_within_round(in);
    run.state.tensors.clear();  // the trainer has it now: the run needs the memory
  }
  std::optional<RunFiles> files;
  if (logs && has_begun)
    files.emplace(logs->directory, config, run, RunFilesOptions{.records = logs->records});
  else if (logs)
    files.emplace(logs->directory, config, RunFilesOptions{.records = logs->records});
  if (files) files->attach(trainer, logs->label, logs->notes);
  if (run.ranks > 1 && !(is_there && !is_cut))
    fail(source, ": ", run.ranks,
         " ranks trained it, which sum gradients in an order of their own: one process does not train "
         "it again to the same bits");
  if (is_there) {
    if (!trainer.conclude_round(stop)) return false;
  } else {
    if (has_begun && !trainer.env_spec().saves_episodes)
      fail(source, ": episodes of ", trainer.env_spec().id,
           " cannot be saved: the steps after a checkpoint cannot be made again");
    trainer.set_checkpoint_hook(until, [&](Index timestep) {
      if (timestep == until) throw Reached();
      if (timestep > until)
        fail("step ", until, " is within a round: ", config.num_envs,
             " environments make their steps together, ",
             "and the rounds before and after it end at the steps ", timestep - config.num_envs, " and ",
             timestep);
    });
    try {
      trainer.run(stop);
      if (stop && stop->load()) return false;
      fail(source, ": the run of its configuration ends before step ", until);
    } catch (const Reached&) {
    }
  }
  run.state = saved_state(trainer);
  run.timestep = until;
  run.device = device.backend->name();
  if (files) {
    files->sync();
    run.logs = files->sizes();
    run.log_tails = files->tails();
  }
  return true;
}

}  // namespace

std::optional<Checkpoint> train_again(const ResumePoint& goal, std::int64_t until,
                                      std::optional<ResumePoint> start, const RetrainedLogs* logs,
                                      const std::atomic<bool>* stop) {
  const std::string source = goal.path.string();
  const std::vector<PastSettings>& history = goal.checkpoint.history;
  // The steps before `start` are not trained again.
  std::size_t i = start ? std::min(start->checkpoint.history.size(), history.size()) : 0;
  while (start && i < history.size() && history[i].until < start->checkpoint.timestep) ++i;
  Checkpoint run;
  if (start) run = std::move(start->checkpoint);
  run.version = BELLMAN_VERSION;
  run.build = build_id();
  run.ranks = goal.checkpoint.ranks;
  run.history.assign(history.begin(), history.begin() + static_cast<std::ptrdiff_t>(i));
  const auto config_of = [&](std::size_t k) -> const std::string& {
    return k < history.size() ? history[k].config : goal.checkpoint.config;
  };
  run.config = config_of(i);
  for (; i < history.size() && history[i].until <= until; ++i) {
    if (!advance(run, history[i].until, source, logs, stop)) return std::nullopt;
    const std::string where = source + " (history)";
    const TrainConfig before = saved_config(config_of(i), where).config;
    const TrainConfig after = saved_config(config_of(i + 1), where).config;
    StateReader(run.state, source).hand_over("history", [&] { change_settings(run.state, before, after); });
    run.history.push_back(history[i]);
    run.config = config_of(i + 1);
  }
  if (!advance(run, until, source, logs, stop)) return std::nullopt;
  return run;
}

Checkpoint at_end_of_round(const ResumePoint& point) {
  Checkpoint run = point.checkpoint;
  if (is_within_round(StateReader(run.state, point.path.string())))
    advance(run, run.timestep, point.path.string(), nullptr, nullptr);
  return run;
}

}  // namespace bellman
