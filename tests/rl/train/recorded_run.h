// A training run on scripted environments with a learner that only records.
#pragma once

#include <atomic>
#include <vector>

#include "core/reference/reference_backend.h"
#include "rl/state/training_state.h"
#include "rl/train/trainer.h"
#include "tests/rl/train/recording_learner.h"
#include "tests/rl/train/scripted_env.h"

namespace bellman::test {

/// Everything a run tells.
class RecordingSink final : public MetricSink {
 public:
  void on_episode(const EpisodeRecord& record) override { episodes.push_back(record); }
  void on_scalars(Index timestep, std::span<const Scalar> scalars) override {
    row_timesteps.push_back(timestep);
    rows.emplace_back(scalars.begin(), scalars.end());
  }
  void on_progress(const Progress& now) override { progress.push_back(now); }
  void flush() override { ++flushes; }

  /// The values under a name, row after row.
  std::vector<double> column(std::string_view name) const {
    std::vector<double> values;
    for (const auto& row : rows)
      for (const Scalar& scalar : row)
        if (scalar.name == name) values.push_back(scalar.value);
    return values;
  }

  std::vector<EpisodeRecord> episodes;
  std::vector<Index> row_timesteps;
  std::vector<std::vector<Scalar>> rows;
  std::vector<Progress> progress;
  int flushes = 0;
};

inline TensorFile state_of(Trainer& trainer) {
  TensorFile file;
  StateWriter out(file);
  trainer.save(out);
  return file;
}

/// Settings under which every step learns from a batch of one and nothing else happens.
inline TrainConfig bare_config(Index total_timesteps) {
  TrainConfig config;
  config.network = "";
  config.total_timesteps = total_timesteps;
  config.buffer_size = 4096;
  config.batch_size = 1;
  config.learning_starts = 0;
  config.train_frequency = 1;
  config.target_network_frequency = 1'000'000;
  config.eval_frequency = 0;
  config.final_eval_episodes = 1;
  config.solve_confirm_episodes = 0;
  return config;
}

struct RecordedRun {
  explicit RecordedRun(const EnvFactory& env) : make_env(env) {}

  TrainResult run(const TrainConfig& config, const std::atomic<bool>* stop = nullptr) {
    Trainer trainer(config, backend, {make_env, recording_learner(record)});
    trainer.add_sink(sink);
    const TrainResult result = trainer.run(stop);
    kept.assign(trainer.kept_parameters().begin(), trainer.kept_parameters().end());
    observation_mean.assign(trainer.observation_mean().begin(), trainer.observation_mean().end());
    return result;
  }
  std::size_t count(char event) const {
    return static_cast<std::size_t>(std::count(record.events.begin(), record.events.end(), event));
  }

  EnvFactory make_env;
  ReferenceBackend<float> backend;
  LearnerRecord record;
  RecordingSink sink;
  std::vector<float> kept;
  std::vector<double> observation_mean;
};

}  // namespace bellman::test
