// The whole DQN loop on CartPole: act, step, store, sample, learn, sync. It reports environment steps
// a second; the PyTorch program of bench/peers runs the same workload. And what recording it costs
// (rl/train/recorder.h): both are trained in turn, and the medians of their processor times compared.
// Before it is timed, the run is made twice, the second time recorded, and must end with the same parameters.
#include <algorithm>
#include <ctime>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/training_loops.h"

namespace bellman::bench {
namespace {

void train(benchmark::State& state, TrainConfig (*config_of)(Index)) {
  const TrainConfig config = config_of(state.range(0));
  const LoopRun first = run_loop(config, false);
  if (run_loop(config, true).parameters != first.parameters)
    return state.SkipWithError("the same run, recorded, ended in other parameters");
  double seconds = 0;
  for (auto _ : state) {
    const LoopRun run = run_loop(config, false);
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

/// Processor time of this thread, seconds.
double seconds_of(const TrainConfig& config, bool recorded) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double begin = now();
  run_loop(config, recorded);
  return now() - begin;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

/// An iteration is a run of each kind; which is first alternates.
void record(benchmark::State& state, TrainConfig (*config_of)(Index)) {
  const TrainConfig config = config_of(state.range(0));
  std::vector<double> plain, recorded;
  for (auto _ : state) {
    const bool recorded_first = plain.size() % 2 == 1;
    for (const bool records : {recorded_first, !recorded_first})
      (records ? recorded : plain).push_back(seconds_of(config, records));
    state.SetIterationTime(recorded.back());
  }
  state.counters["recording_costs_percent"] = 100 * (median(recorded) / median(plain) - 1);
}
BENCHMARK_CAPTURE(record, textbook, textbook)
    ->Arg(20'000)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond)
    ->MinTime(5);
BENCHMARK_CAPTURE(record, cleanrl, cleanrl)
    ->Arg(50'000)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond)
    ->MinTime(5);
BENCHMARK_CAPTURE(record, acting, acting)
    ->Arg(100'000)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond)
    ->MinTime(5);

}  // namespace
}  // namespace bellman::bench

BENCHMARK_MAIN();
