// Whole trainings on CartPole that are timed and counted, with and without a recorder.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/cpu/cpu_backend.h"
#include "rl/log/append_file.h"
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

/// By its name. Throws: Error for another.
inline TrainConfig training_loop(std::string_view name, Index total_timesteps) {
  if (name == "textbook") return textbook(total_timesteps);
  if (name == "cleanrl") return cleanrl(total_timesteps);
  if (name == "acting") return acting(total_timesteps);
  fail("there is no training loop \"", name, "\"; there are textbook, cleanrl and acting");
}

struct LoopRun {
  TrainResult result;
  std::vector<float> parameters;
};

/// Trains to the end; `recorded`: as `bellman train` does without --no-report, its rows going nowhere.
inline LoopRun run_loop(const TrainConfig& config, bool recorded) {
  CpuBackend backend(config.threads);
  Trainer trainer(config, backend, {.records = recorded});
  AppendFile nowhere("/dev/null");
  std::unique_ptr<Recorder> recorder;
  if (recorded) {
    recorder = std::make_unique<Recorder>(trainer, nowhere, [](const std::string& reason) { fail(reason); });
    trainer.add_sink(*recorder);
  }
  LoopRun run;
  run.result = trainer.run();
  run.parameters.assign(trainer.kept_parameters().begin(), trainer.kept_parameters().end());
  return run;
}

}  // namespace bellman::bench
