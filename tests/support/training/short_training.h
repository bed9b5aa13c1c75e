// A short training: CartPole, a small network, a replay that is overwritten four times.
#pragma once

#include "rl/config/train_config.h"

namespace bellman::test {

inline TrainConfig short_training() {
  TrainConfig config;
  config.total_timesteps = 500;
  config.network = "dense 16, relu, dense 12, tanh";
  config.buffer_size = 120;
  config.learning_starts = 40;
  config.train_frequency = 2;
  config.batch_size = 16;
  config.learning_rate = 1e-3;
  config.target_network_frequency = 50;
  config.exploration_fraction = 0.3;
  config.eval_frequency = 0;
  config.final_eval_episodes = 1;
  config.log_frequency = 100;
  return config;
}

}  // namespace bellman::test
