#include "rl/train/trainer.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "rl/train/from_config.h"
#include "rl/train/training_run.h"

namespace bellman {

Trainer::Trainer(const TrainConfig& config, Backend& backend, const TrainerParts& parts)
    : run_(std::make_unique<TrainingRun>(config, backend, parts)) {}
Trainer::~Trainer() = default;

void Trainer::add_sink(MetricSink& sink) { run_->log.add_sink(sink); }
void Trainer::set_checkpoint_hook(Index frequency, std::function<void(Index)> hook,
                                  std::function<bool()> is_due) {
  run_->hooks.checkpoint_frequency = frequency;
  run_->hooks.checkpoint = std::move(hook);
  run_->hooks.checkpoint_is_due = std::move(is_due);
}
void Trainer::set_model_hook(std::function<void()> hook) { run_->hooks.model = std::move(hook); }
void Trainer::set_learn_hook(std::function<void(Index, StepMoment)> hook) {
  run_->hooks.learn = std::move(hook);
}

void Trainer::set_sync_hook(std::function<void(Index)> hook) { run_->hooks.sync = std::move(hook); }

void Trainer::save(StateWriter& out) { run_->save(out); }
void Trainer::load(const StateReader& in) {
  if (run_->ran || run_->resumed)
    fail("this trainer has run or was loaded before; a saved run needs a new one");
  try {
    run_->load(in);
  } catch (...) {
    // Some parts are loaded and others not: made anew, they are what they were. The old ones go first, to
    // need no more memory.
    const TrainConfig config = run_->config;
    const TrainerParts parts = run_->parts;
    Backend& backend = run_->backend;
    const std::vector<MetricSink*> sinks = run_->log.sinks();
    TrainerHooks hooks = std::move(run_->hooks);
    run_.reset();
    run_ = std::make_unique<TrainingRun>(config, backend, parts);
    for (MetricSink* sink : sinks) add_sink(*sink);
    run_->hooks = std::move(hooks);
    throw;
  }
}
bool Trainer::conclude_round(const std::atomic<bool>* stop) { return run_->conclude_round(stop); }

TrainResult Trainer::run(const std::atomic<bool>* stop) {
  if (run_->ran) fail("this trainer has run before; a second run needs a new one");
  try {
    return run_->run(stop);
  } catch (...) {
    try {
      run_->log.flush();      // what led here
    } catch (const Error&) {  // the first error is reported
    }
    throw;
  }
}

const RunMemory& Trainer::memory() const { return run_->memory; }
const std::optional<AvailableMemory>& Trainer::memory_before() const { return run_->memory_before; }
const TrainConfig& Trainer::config() const { return run_->config; }
Backend& Trainer::backend() const { return run_->backend; }
const EnvSpec& Trainer::env_spec() const { return run_->collector.spec(); }
std::unique_ptr<Env> Trainer::make_env() const { return run_->parts.make_env(); }
const Network& Trainer::network() const { return run_->network; }
std::string Trainer::learner() const { return run_->agent.learner_description(); }
std::span<const float> Trainer::kept_parameters() const { return run_->kept.parameters; }
Index Trainer::model_timestep() const { return run_->kept.timestep; }
std::span<const double> Trainer::observation_mean() const { return run_->kept.mean; }
std::span<const double> Trainer::observation_variance() const { return run_->kept.variance; }
NextStep Trainer::next_step() { return run_->next_step(); }
void Trainer::save_learner(StateWriter& out) { run_->agent.save_learner(out); }
const PhaseSeconds& Trainer::phases() const { return run_->log.phases(); }
void Trainer::q_values(std::span<float> q, std::span<const float> observations, Index n) {
  const auto actions = static_cast<std::size_t>(env_spec().num_actions);
  const auto width = static_cast<std::size_t>(env_spec().observation_shape.elements());
  const Index most = max_acting_batch(run_->config);
  for (Index done = 0; done < n; done += most) {
    const Index rows = std::min(most, n - done);
    const auto from = static_cast<std::size_t>(done), size = static_cast<std::size_t>(rows);
    run_->q_function(q.subspan(from * actions, size * actions),
                     observations.subspan(from * width, size * width), rows);
  }
}

}  // namespace bellman
