// The whole DQN loop on CartPole: act, step, store, sample, learn, sync. It reports environment steps
// a second; the PyTorch program of bench/peers runs the same workload. And what recording costs (rl/train/recorder.h), on
// FrozenLake, too: a run that writes its logs and one that is recorded besides are made in turn, and their processor times
// compared. Rows named `column` time each group of columns by itself.
// Before it is timed, the run is made twice, the second time recorded, and must end with the same parameters.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/row_columns.h"
#include "bench/training_loops.h"

namespace bellman::bench {
namespace {

void train(benchmark::State& state, TrainConfig (*config_of)(Index)) {
  const TrainConfig config = config_of(state.range(0));
  const LoopRun first = run_loop(config, Written::kNothing);
  if (run_loop(config, Written::kLogsAndRows).parameters != first.parameters)
    return state.SkipWithError("the same run, recorded, ended in other parameters");
  double seconds = 0;
  for (auto _ : state) {
    const LoopRun run = run_loop(config, Written::kNothing);
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
/// run takes more. fastest_percent: what the fastest recorded run takes more than the fastest plain one, which other
/// programs on the machine disturb less. rows_percent: the median of the time that it spends in the recorder alone.
void record(benchmark::State& state, TrainConfig (*config_of)(Index), Diagnostics diagnostics) {
  TrainConfig config = config_of(state.range(0));
  config.diagnostics = diagnostics;
  std::vector<double> more, rows, plain_seconds, recorded_seconds;
  for (auto _ : state) {
    const bool recorded_first = more.size() % 2 == 1;
    LoopRun plain, recorded;
    if (recorded_first) recorded = run_loop(config, Written::kLogsAndRows);
    plain = run_loop(config, Written::kLogs);
    if (!recorded_first) recorded = run_loop(config, Written::kLogsAndRows);
    plain_seconds.push_back(plain.seconds);
    recorded_seconds.push_back(recorded.seconds);
    more.push_back(100 * (recorded.seconds / plain.seconds - 1));
    rows.push_back(100 * recorded.row_seconds / recorded.seconds);
    state.SetIterationTime(recorded.seconds);
  }
  state.counters["pair_percent"] = median(more);
  state.counters["fastest_percent"] =
      100 * (*std::ranges::min_element(recorded_seconds) / *std::ranges::min_element(plain_seconds) - 1);
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
BELLMAN_RECORD(cartpole, cartpole, Diagnostics::kBasic, 20'000);
BELLMAN_RECORD(cartpole_full, cartpole, Diagnostics::kFull, 20'000);
BELLMAN_RECORD(frozen_lake, frozen_lake, Diagnostics::kBasic, 20'000);
BELLMAN_RECORD(frozen_lake_full, frozen_lake, Diagnostics::kFull, 20'000);

/// A training whose columns are timed, and what a step of it takes when nothing is recorded.
struct TimedLoop {
  TrainConfig config;
  std::unique_ptr<RowColumns> columns;
  double step_seconds = 0;
};

/// Made once for all its groups. 20,000 steps are timed, three times; the columns are those after 1,000 gradient steps.
TimedLoop& timed_loop(const NamedLoop& loop) {
  static std::map<std::string_view, TimedLoop> loops;
  TimedLoop& timed = loops[loop.name];
  if (timed.columns) return timed;
  timed.config = loop.config(20'000);
  std::vector<double> seconds;
  for (int run = 0; run < 3; ++run) seconds.push_back(run_loop(timed.config, Written::kNothing).seconds);
  timed.step_seconds = median(seconds) / static_cast<double>(timed.config.total_timesteps);
  timed.columns = std::make_unique<RowColumns>(
      loop.config(timed.config.learning_starts + 1'000 * timed.config.train_frequency));
  return timed;
}

/// percent: of what an unrecorded training takes between two rows that have the group.
void column(benchmark::State& state, const NamedLoop& loop, const ColumnGroup& group) {
  try {
    TimedLoop& timed = timed_loop(loop);
    if (!timed.columns->has(group)) return state.SkipWithError("rows of this training do not have it");
    const double begin = thread_seconds();
    for (auto _ : state) benchmark::DoNotOptimize(timed.columns->measure(group));
    const double seconds = (thread_seconds() - begin) / static_cast<double>(state.iterations());
    const auto steps = static_cast<double>(steps_between(timed.config, group));
    state.counters["percent"] = 100 * seconds / (timed.step_seconds * steps);
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}

void add_columns(const NamedLoop& loop) {
  for (const ColumnGroup& group : kColumnGroups) {
    if (!is_measured(loop.name, group)) continue;
    const std::string name = std::string("column/")
                                 .append(loop.name)
                                 .append("/")
                                 .append(group.name)
                                 .append(group.full ? "/full" : "");
    benchmark::RegisterBenchmark(name.c_str(), column, loop, group)->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace
}  // namespace bellman::bench

int main(int argc, char** argv) {
  using namespace bellman::bench;
  for (const NamedLoop& loop : kTrainingLoops) add_columns(loop);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
