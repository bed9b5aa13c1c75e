#include "apps/explain/captured_update.h"

#include <memory>
#include <utility>

#include "apps/run/device.h"
#include "core/base/check.h"
#include "rl/config/schedule.h"
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
class CapturingLearner final : public Learner {
 public:
  CapturingLearner(Backend& backend, const Network& network, const LearnerOptions& options, LearnerKind kind,
                   CapturedUpdate& update, const std::unique_ptr<Trainer>& trainer)
      : learner_(make_learner(kind, backend, network, options)),
        normalizer_(options.normalizer),
        update_(update),
        trainer_(trainer) {}

  LearnStats learn(const Batch& batch, float learning_rate, std::span<float> td_error) override {
    if (++steps_ != update_.number) return learner_->learn(batch, learning_rate, td_error);
    StateWriter before(update_.before);
    trainer_->save(before);
    update_.learner = learner_->description();
    update_.learning_rate = learning_rate;
    update_.batch = copy_of(batch);
    update_.batch_size = static_cast<Index>(batch.slots.size());
    update_.observations = seen(batch, batch.slots, normalizer_);
    update_.next_observations = seen(batch, batch.next_slots, normalizer_);
    update_.stats = learner_->learn(batch, learning_rate, td_error);
    update_.td_errors.assign(td_error.begin(), td_error.end());
    StateWriter after(update_.after);
    learner_->save(after);
    throw Captured();
  }
  void q_values(std::span<float> q, std::span<const float> observations, Index n) override {
    learner_->q_values(q, observations, n);
  }
  void update_target(float tau) override { learner_->update_target(tau); }
  void get_parameters(std::span<float> out) override { learner_->get_parameters(out); }
  void set_parameters(std::span<const float> in) override { learner_->set_parameters(in); }
  void save(StateWriter& out) const override { learner_->save(out); }
  void load(const StateReader& in) override {
    learner_->load(in);
    steps_ = in.count("trainer.gradient_updates");
  }

 private:
  std::unique_ptr<Learner> learner_;
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
    return std::make_unique<CapturingLearner>(*device.backend, network, options, kind, update, trainer);
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

}  // namespace bellman
