// An outside program: trains a network on CartPole for a moment through the installed library.
#include <cstdio>
#include <span>

#include <bellman/core/base/check.h>
#include <bellman/core/cpu/cpu_backend.h>
#include <bellman/envs/env.h>
#include <bellman/rl/train/trainer.h>

#include "core/base/check.h"

#if __has_include("core/nn/network.h") || __has_include("envs/env.h") || __has_include("rl/train/trainer.h")
#error "bellman's headers are reachable without its name before theirs"
#endif

int main() {
  bellman::TrainConfig config;
  config.env.id = "CartPole-v1";
  config.network = "dense 16, relu";
  config.total_timesteps = user::kSteps;
  config.learning_starts = 100;
  config.final_eval_episodes = 2;

  bellman::CpuBackend backend;
  bellman::Trainer trainer(config, backend);
  const bellman::TrainResult result = trainer.run();
  std::printf("%lld steps, %lld updates, mean return %.1f\n", static_cast<long long>(result.timesteps),
              static_cast<long long>(result.gradient_updates), result.eval.mean);
  return result.timesteps == user::kSteps && result.gradient_updates > 0 && result.eval.mean >= 1.0 ? 0 : 1;
}
