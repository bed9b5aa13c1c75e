// The whole DQN loop on CartPole: act, step, store, sample, learn, sync. It reports environment steps
// a second; the PyTorch program of bench/peers runs the same workload.
// Before it is timed, the run is made twice and must end with the same parameters.
#include <vector>

#include <benchmark/benchmark.h>

#include "core/cpu/cpu_backend.h"
#include "rl/train/trainer.h"

namespace {

using namespace bellman;

/// The textbook's settings (4-64-64-2, batch 64, buffer 10 000, one gradient step a step). No evaluation but
/// one final episode, which is not timed.
TrainConfig textbook(Index total_timesteps) {
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
TrainConfig cleanrl(Index total_timesteps) {
  TrainConfig config;
  config.total_timesteps = total_timesteps;
  config.learning_starts = 1'000;
  config.eval_frequency = 0;
  config.final_eval_episodes = 1;
  return config;
}

/// No learning: the cost of acting greedily, stepping and storing.
TrainConfig acting(Index total_timesteps) {
  TrainConfig config = textbook(total_timesteps);
  config.start_e = config.end_e = 0;
  config.exploration_schedule = ExplorationSchedule::kLinear;
  config.learning_starts = total_timesteps + 1;
  return config;
}

struct Run {
  TrainResult result;
  std::vector<float> parameters;
};

Run run_of(const TrainConfig& config) {
  CpuBackend backend(config.threads);
  Trainer trainer(config, backend);
  Run run;
  run.result = trainer.run();
  run.parameters.assign(trainer.kept_parameters().begin(), trainer.kept_parameters().end());
  return run;
}

void train(benchmark::State& state, TrainConfig (*config_of)(Index)) {
  const TrainConfig config = config_of(state.range(0));
  const Run first = run_of(config);
  if (run_of(config).parameters != first.parameters)
    return state.SkipWithError("the same run ended in other parameters");
  double seconds = 0;
  for (auto _ : state) {
    const Run run = run_of(config);
    state.SetIterationTime(run.result.wall_seconds);
    seconds += run.result.wall_seconds;
  }
  const auto runs = static_cast<double>(state.iterations());
  state.counters["env_steps_per_second"] = runs * static_cast<double>(first.result.timesteps) / seconds;
  state.counters["gradient_steps_per_second"] =
      runs * static_cast<double>(first.result.gradient_updates) / seconds;
}
BENCHMARK_CAPTURE(train, textbook, textbook)->Arg(20'000)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(train, cleanrl, cleanrl)->Arg(50'000)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(train, acting, acting)->Arg(100'000)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
