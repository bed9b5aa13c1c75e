#include "apps/explain/captured_update.h"

#include <span>
#include <vector>

#include "apps/run/checkpoint.h"
#include "apps/run/device.h"
#include "apps/run/resume.h"
#include "apps/run/resume_point.h"
#include "core/base/check.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

/// Ends the training from within the step that was wanted.
struct Captured {};

template <class Save>
TensorFile state_of(const Save& save) {
  TensorFile state;
  StateWriter out(state);
  save(out);
  return state;
}

/// The run's device. Throws: Error, naming `source`, when it is not there.
Device device_of(const TrainConfig& config, const std::string& source) {
  try {
    return make_device(config.device, config.threads);
  } catch (const Error& error) {
    fail(source, ": the step is made again where the run made it: ", error.what());
  }
}

/// Environment steps since the target network was brought up to date, when the learning after step `t` begins.
Index target_age(const TrainConfig& config, Index t) {
  if (!config.target_network) return -1;
  return t - (t - 1) / config.target_network_frequency * config.target_network_frequency;
}

Index updates_of(const ResumePoint& point) {
  return StateReader(point.checkpoint.state, point.path.string()).count("trainer.gradient_updates");
}

}  // namespace

CapturedUpdate capture_update(const TrainConfig& config, const TensorFile* start, const std::string& source,
                              Index number) {
  const Device device = device_of(config, source);
  Trainer trainer(config, *device.backend, device.parts);
  CapturedUpdate update;
  update.config = config;
  update.env = trainer.env_spec();
  update.learner = trainer.learner();
  update.on_device = !device.backend->is_on_host();
  update.number = number;
  if (start) {
    const StateReader in(*start, source);
    trainer.load(in);
    if (in.count("trainer.gradient_updates") >= number)
      fail(source, ": is of gradient step ", in.count("trainer.gradient_updates"), ", after step ", number);
  }
  trainer.set_learn_hook([&](Index step, StepMoment moment) {
    if (step != number) return;
    if (moment == StepMoment::kBefore) {
      update.before = state_of([&](StateWriter& out) { trainer.save(out); });
      update.next = trainer.next_step();
    } else {
      update.after = state_of([&](StateWriter& out) { trainer.save_learner(out); });
      throw Captured();
    }
  });
  try {
    trainer.run();
  } catch (const Captured&) {
    update.target_age =
        target_age(config, StateReader(update.before, source).count("trainer.learnt_timestep") + 1);
    return update;
  }
  const TensorFile end = state_of([&](StateWriter& out) { trainer.save(out); });
  fail(source, ": there is no gradient step ", number, ": the whole run makes ",
       StateReader(end, source).count("trainer.gradient_updates"));
}

CapturedUpdate capture_update_of_run(const std::filesystem::path& directory, std::optional<Index> number,
                                     std::string_view label, std::ostream& notes,
                                     const std::function<void(const TrainConfig&)>& check) {
  const ResumePoint newest = find_resume_point(directory, label, notes);
  const Index made = updates_of(newest);
  if (made == 0)
    fail("run directory ", directory.string(), ": its newest checkpoint has no gradient step behind it");
  const Index wanted = number.value_or(made);
  const std::optional<ResumePoint> start = first_undamaged(
      checkpoints_from(newest), [&](const ResumePoint& point) { return updates_of(point) < wanted; }, label,
      notes);
  const std::vector<PastSettings>& history = newest.checkpoint.history;
  const std::string source = (start ? start->path : newest.path).string();
  // With whose settings: the checkpoint's, or those that the run began with.
  const std::string& text = start             ? start->checkpoint.config
                            : history.empty() ? newest.checkpoint.config
                                              : history.front().config;
  const TrainConfig config = saved_config(text, source).config;
  if (check) check(config);
  CapturedUpdate update = capture_update(config, start ? &start->checkpoint.state : nullptr, source, wanted);
  for (const PastSettings& past : history)
    if (past.until >= (start ? start->checkpoint.timestep : 0) && past.until < update.next.step.timestep)
      fail(source, ": gradient step ", wanted, " comes after environment step ", past.until,
           ", where --override changed the settings; there is no checkpoint between the two");
  notes << "Trained again from " << (start ? start->path.filename().string() : "the beginning")
        << " to gradient step " << wanted << ".\n";
  return update;
}

}  // namespace bellman
