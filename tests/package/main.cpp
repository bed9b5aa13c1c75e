// A program of somebody else: trains a network on CartPole for a moment through the installed library.
#include <cstdio>
#include <span>

#include "core/cpu/cpu_backend.h"
#include "envs/env.h"
#include "rl/trainer.h"

int main() {
  bellman::TrainConfig config;
  config.env.id = "CartPole-v1";
  config.network = "dense 16, relu";
  config.total_timesteps = 400;
  config.learning_starts = 100;
  config.final_eval_episodes = 2;

  bellman::CpuBackend backend;
  bellman::Trainer trainer(config, backend);
  const bellman::TrainResult result = trainer.run();
  std::printf("%lld steps, %lld updates, mean return %.1f\n", static_cast<long long>(result.timesteps),
              static_cast<long long>(result.gradient_updates), result.eval.mean);
  return result.timesteps == 400 && result.gradient_updates > 0 && result.eval.mean >= 1.0 ? 0 : 1;
}
