// The whole DQN loop on CartPole: act, step, store, sample, learn, sync. It reports environment steps
// a second; the PyTorch program of bench/peers runs the same workload. And what recording it costs
// (rl/train/recorder.h): both are trained in turn, and their processor times compared.
// Before it is timed, the run is made twice, the second time recorded, and must end with the same parameters.
#include <algorithm>
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

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

/// A pair is a run of each kind; which is first alternates. pair_percent: the median over the pairs of what the recorded
/// run takes more. rows_percent: the median of the time that it spends in the recorder alone, which varies less.
void record(benchmark::State& state, TrainConfig (*config_of)(Index), Diagnostics diagnostics) {
  TrainConfig config = config_of(state.range(0));
  config.diagnostics = diagnostics;
  std::vector<double> more, rows;
  for (auto _ : state) {
    const bool recorded_first = more.size() % 2 == 1;
    LoopRun plain, recorded;
    if (recorded_first) recorded = run_loop(config, true);
    plain = run_loop(config, false);
    if (!recorded_first) recorded = run_loop(config, true);
    more.push_back(100 * (recorded.seconds / plain.seconds - 1));
    rows.push_back(100 * recorded.row_seconds / recorded.seconds);
    state.SetIterationTime(recorded.seconds);
  }
  state.counters["pair_percent"] = median(more);
  state.counters["rows_percent"] = median(rows);
}
constexpr int kPairs = 20;
#define BELLMAN_RECORD(name, loop, diagnostics, steps) \
  BENCHMARK_CAPTURE(record, name, loop, diagnostics)   \
      ->Arg(steps)                                     \
      ->UseManualTime()                                \
      ->Unit(benchmark::kMillisecond)                  \
      ->Iterations(kPairs)
BELLMAN_RECORD(textbook, textbook, Diagnostics::kBasic, 20'000);
BELLMAN_RECORD(cleanrl, cleanrl, Diagnostics::kBasic, 50'000);
BELLMAN_RECORD(cleanrl_full, cleanrl, Diagnostics::kFull, 50'000);
BELLMAN_RECORD(acting, acting, Diagnostics::kBasic, 100'000);

}  // namespace
}  // namespace bellman::bench

BENCHMARK_MAIN();
