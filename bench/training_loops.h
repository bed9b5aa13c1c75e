// Whole trainings on CartPole that are timed and counted, with and without a recorder.
#pragma once

#include <ctime>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/cpu/cpu_backend.h"
#include "rl/log/append_file.h"
#include "rl/log/csv_files.h"
#include "rl/log/metric_sink.h"
#include "rl/log/tensorboard.h"
#include "rl/train/recorder.h"
#include "rl/train/trainer.h"

namespace bellman::bench {

/// The textbook's settings (4-64-64-2, batch 64, buffer 10 000, one gradient step a step). No evaluation but
/// one final episode, which is not timed.
inline TrainConfig textbook(Index total_timesteps) {
  TrainConfig config;
  config.total_timesteps = total_timesteps;
  config.network = "dense 64, relu, dense 64, relu";
  config.learning_rate = 1e-3;
  config.buffer_size = 10'000;
  config.batch_size = 64;
  config.learning_starts = 64;
  config.train_frequency = 1;
  config.target_network_frequency = 100;
  config.exploration_schedule = ExplorationSchedule::kExponential;
  config.exploration_decay = 0.9995;
  config.eval_frequency = 0;
  config.final_eval_episodes = 1;
  return config;
}

/// CleanRL's dqn.py: a learn step of 128 every tenth step.
inline TrainConfig cleanrl(Index total_timesteps) {
  TrainConfig config;
  config.total_timesteps = total_timesteps;
  config.learning_starts = 1'000;
  config.eval_frequency = 0;
  config.final_eval_episodes = 1;
  return config;
}

/// No learning: the cost of acting greedily, stepping and storing.
inline TrainConfig acting(Index total_timesteps) {
  TrainConfig config = textbook(total_timesteps);
  config.start_e = config.end_e = 0;
  config.exploration_schedule = ExplorationSchedule::kLinear;
  config.learning_starts = total_timesteps + 1;
  return config;
}

/// CartPole-v1 as `bellman train` trains it by default, but always to the end and with one final episode. A test holds
/// these three to apps/settings/presets.cpp.
inline TrainConfig cartpole(Index total_timesteps) {
  TrainConfig config;
  config.total_timesteps = total_timesteps;
  config.network = "dense 64, relu, dense 64, relu";
  config.learning_rate = 4e-3;
  config.anneal_learning_rate = true;
  config.double_dqn = true;
  config.n_step = 5;
  config.prioritized = true;
  config.buffer_size = 50'000;
  config.batch_size = 64;
  config.learning_starts = 500;
  config.train_frequency = 2;
  config.target_network_frequency = 50;
  config.end_e = 0.1;
  config.exploration_fraction = 0.06;
  config.eval_frequency = 1'000;
  config.solved_return = 490;
  config.final_eval_episodes = 1;
  return config;
}

/// FrozenLake-v1, likewise.
inline TrainConfig frozen_lake(Index total_timesteps) {
  TrainConfig config;
  config.env.id = "FrozenLake-v1";
  config.total_timesteps = total_timesteps;
  config.network = "dense 64, relu";
  config.learning_rate = 5e-4;
  config.double_dqn = true;
  config.buffer_size = 20'000;
  config.batch_size = 64;
  config.learning_starts = 1'000;
  config.train_frequency = 1;
  config.target_network_frequency = 500;
  config.end_e = 0.1;
  config.exploration_fraction = 0.6;
  config.eval_frequency = 5'000;
  config.eval_episodes = 100;
  config.final_eval_episodes = 1;
  return config;
}

/// FrozenLake8x8-v1, likewise: the largest bundled map whose Q-table is recorded.
inline TrainConfig frozen_lake_8x8(Index total_timesteps) {
  TrainConfig config = frozen_lake(total_timesteps);
  config.env.id = "FrozenLake8x8-v1";
  config.buffer_size = 50'000;
  return config;
}

struct NamedLoop {
  std::string_view name;
  TrainConfig (*config)(Index total_timesteps);
};
inline constexpr NamedLoop kTrainingLoops[] = {
    {"textbook", textbook}, {"cleanrl", cleanrl},         {"acting", acting},
    {"cartpole", cartpole}, {"frozen_lake", frozen_lake}, {"frozen_lake_8x8", frozen_lake_8x8}};

/// By its name. Throws: Error for another, with all names.
inline TrainConfig training_loop(std::string_view name, Index total_timesteps) {
  std::string names;
  for (const NamedLoop& loop : kTrainingLoops) {
    if (loop.name == name) return loop.config(total_timesteps);
    names.append(names.empty() ? "" : ", ").append(loop.name);
  }
  fail("there is no training loop \"", name, "\"; there are ", names);
}

struct LoopRun {
  TrainResult result;
  std::vector<float> parameters;
  double seconds = 0;      // of this thread's processor time, all of it
  double row_seconds = 0;  // of these, in the recorder
};

/// Processor time of this thread so far.
inline double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Passes rows on and times them. Without a recorder it reads the clock all the same, which takes a part of a percent.
class TimedRows final : public MetricSink {
 public:
  explicit TimedRows(Recorder* recorder) : recorder_(recorder) {}
  void on_scalars(Index timestep, std::span<const Scalar> scalars) override {
    const double begin = thread_seconds();
    if (recorder_) recorder_->on_scalars(timestep, scalars);
    seconds_ += thread_seconds() - begin;
  }
  double seconds() const { return seconds_; }

 private:
  Recorder* recorder_;
  double seconds_ = 0;
};

/// What a run writes: nothing; the three logs of `bellman train --no-report`; these and the rows of diagnostics.csv; these
/// rows alone.
enum class Written { kNothing, kLogs, kLogsAndRows, kRows };

/// Trains to the end. All that it writes goes to /dev/null.
inline LoopRun run_loop(const TrainConfig& config, Written written) {
  const bool is_recorded = written == Written::kLogsAndRows || written == Written::kRows;
  const double begin = thread_seconds();
  CpuBackend backend(config.threads);
  Trainer trainer(config, backend, {.records = is_recorded});
  constexpr const char* kNowhere = "/dev/null";
  MonitorCsv monitor(kNowhere, config.env.id, 0);
  ProgressCsv progress(kNowhere);
  TensorboardWriter tensorboard(kNowhere, [] { return 0.0; });
  AppendFile nowhere(kNowhere);
  std::unique_ptr<Recorder> recorder;
  if (is_recorded)
    recorder = std::make_unique<Recorder>(trainer, nowhere, [](const std::string& reason) { fail(reason); });
  TimedRows rows(recorder.get());
  if (written == Written::kLogs || written == Written::kLogsAndRows)
    for (MetricSink* const sink : std::initializer_list<MetricSink*>{&monitor, &progress, &tensorboard})
      trainer.add_sink(*sink);
  if (written != Written::kNothing) trainer.add_sink(rows);
  LoopRun run;
  run.result = trainer.run();
  run.seconds = thread_seconds() - begin;
  run.row_seconds = rows.seconds();
  run.parameters.assign(trainer.kept_parameters().begin(), trainer.kept_parameters().end());
  return run;
}

}  // namespace bellman::bench
