// A run whose checkpoint has a few KiB, so that every byte of it can be changed.
#pragma once

#include "rl/train/trainer.h"

namespace bellman::test {

inline TrainConfig tiny_run() {
  TrainConfig config;
  config.network = "";  // one layer, from observations to actions
  config.total_timesteps = 48;
  config.buffer_size = 20;
  config.batch_size = 4;
  config.learning_starts = 8;
  config.train_frequency = 4;
  config.target_network_frequency = 16;
  config.eval_frequency = 16;
  config.eval_episodes = 1;
  config.final_eval_episodes = 1;
  config.solve_confirm_episodes = 0;
  config.log_frequency = 16;
  return config;
}

}  // namespace bellman::test
