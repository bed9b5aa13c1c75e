#include "apps/explain/captured_update.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "apps/run/checkpoint.h"
#include "apps/run/device.h"
#include "apps/run/resume.h"
#include "core/base/check.h"
#include "rl/config/schedule.h"
#include "rl/learn/learner_around.h"
#include "rl/learn/make_learner.h"
#include "rl/replay/observation_store.h"
#include "rl/replay/running_normalizer.h"
#include "rl/train/from_config.h"
#include "rl/train/trainer.h"

namespace bellman {
namespace {

/// Ends the training from within the step that was wanted.
struct Captured {};

std::vector<float> seen(const Batch& batch, std::span<const Index> slots,
                        const RunningNormalizer* normalizer) {
  std::vector<float> rows(slots.size() * static_cast<std::size_t>(batch.observations->observation_size()));
  batch.observations->gather(rows, slots);
  if (normalizer) normalizer->apply(rows, rows);
  return rows;
}

BatchArrays copy_of(const Batch& batch) {
  BatchArrays arrays(static_cast<Index>(batch.slots.size()));
  arrays.slots.assign(batch.slots.begin(), batch.slots.end());
  arrays.next_slots.assign(batch.next_slots.begin(), batch.next_slots.end());
  arrays.actions.assign(batch.actions.begin(), batch.actions.end());
  arrays.rewards.assign(batch.rewards.begin(), batch.rewards.end());
  arrays.discounts.assign(batch.discounts.begin(), batch.discounts.end());
  arrays.terminated.assign(batch.terminated.begin(), batch.terminated.end());
  arrays.weights.assign(batch.weights.begin(), batch.weights.end());
  return arrays;
}

/// The learner that the settings choose; around one of its steps it takes down all that is there.
class CapturingLearner final : public LearnerAround {
 public:
  CapturingLearner(std::unique_ptr<Learner> learner, const RunningNormalizer* normalizer,
                   CapturedUpdate& update, const std::unique_ptr<Trainer>& trainer)
      : LearnerAround(std::move(learner)), normalizer_(normalizer), update_(update), trainer_(trainer) {}

  LearnStats learn(const Batch& batch, float learning_rate, std::span<float> td_error) override {
    if (++steps_ != update_.number) return inner().learn(batch, learning_rate, td_error);
    StateWriter before(update_.before);
    trainer_->save(before);
    update_.learner = description();
    update_.learning_rate = learning_rate;
    update_.batch = copy_of(batch);
    update_.batch_size = static_cast<Index>(batch.slots.size());
    update_.observations = seen(batch, batch.slots, normalizer_);
    update_.next_observations = seen(batch, batch.next_slots, normalizer_);
    update_.stats = inner().learn(batch, learning_rate, td_error);
    update_.td_errors.assign(td_error.begin(), td_error.end());
    StateWriter after(update_.after);
    save(after);
    throw Captured();
  }
  void load(const StateReader& in) override {
    inner().load(in);
    steps_ = in.count("trainer.gradient_updates");
  }

 private:
  const RunningNormalizer* normalizer_;
  CapturedUpdate& update_;
  const std::unique_ptr<Trainer>& trainer_;
  Index steps_ = 0;  // that the run has made
};

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
  if (config.device != "cpu" && config.device != "reference")
    fail(source, ": the run was trained on the device ", config.device,
         "; a gradient step is taken apart where its numbers lie in host memory: cpu or reference");
  CapturedUpdate update;
  update.config = config;
  update.number = number;
  const Device device = make_device(config.device, config.threads);
  std::unique_ptr<Trainer> trainer;
  TrainerParts parts = device.parts;
  parts.make_learner = [&](const Network& network,
                           const LearnerOptions& options) -> std::unique_ptr<Learner> {
    const LearnerKind kind = chosen_learner(config.learner, *device.backend, network, options);
    return std::make_unique<CapturingLearner>(make_learner(kind, *device.backend, network, options),
                                              options.normalizer, update, trainer);
  };
  trainer = std::make_unique<Trainer>(config, *device.backend, parts);
  update.env = trainer->env_spec();
  if (start) {
    const StateReader in(*start, source);
    trainer->load(in);
    if (in.count("trainer.gradient_updates") >= number)
      fail(source, ": is of gradient step ", in.count("trainer.gradient_updates"), ", after step ", number);
  }
  try {
    trainer->run();
  } catch (const Captured&) {
    const StateReader before(update.before, source);
    update.timestep = before.count("trainer.timestep");
    update.beta = value_at(beta_schedule(config), update.timestep);
    update.target_age = target_age(config, before.count("trainer.learnt_timestep") + 1);
    return update;
  }
  TensorFile end;
  StateWriter out(end);
  trainer->save(out);
  fail(source, ": there is no gradient step ", number, ": the whole run makes ",
       StateReader(end, source).count("trainer.gradient_updates"));
}

CapturedUpdate capture_update_of_run(const std::filesystem::path& directory, std::optional<Index> number,
                                     std::string_view label, std::ostream& notes) {
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
  CapturedUpdate update = capture_update(saved_config(text, source).config,
                                         start ? &start->checkpoint.state : nullptr, source, wanted);
  for (const PastSettings& past : history)
    if (past.until >= (start ? start->checkpoint.timestep : 0) && past.until < update.timestep)
      fail(source, ": gradient step ", wanted, " comes after environment step ", past.until,
           ", where --override changed the settings; there is no checkpoint between the two");
  notes << "Trained again from " << (start ? start->path.filename().string() : "the beginning")
        << " to gradient step " << wanted << ".\n";
  return update;
}

}  // namespace bellman
