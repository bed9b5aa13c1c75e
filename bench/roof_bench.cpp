// The roofs of one core of this machine, which all other figures are compared with: multiply-adds in registers,
// and the triad's bandwidth by the size of its arrays. Each is a try of its own and reports its rate.
#include <cstddef>

#include <benchmark/benchmark.h>

#include "bench/roof.h"

namespace {

using namespace bellman;

/// One iteration is as long as one floating-point operation, or one byte, of the rate.
void report(benchmark::State& state, const char* counter, double per_second) {
  for (auto _ : state) state.SetIterationTime(1 / per_second);
  state.counters[counter] = 1e-9 * per_second;
}

void fma_peak(benchmark::State& state) { report(state, "GFLOP/s", bench::measure_flops_per_second()); }
BENCHMARK(fma_peak)->Iterations(1)->UseManualTime();

void triad(benchmark::State& state) {
  report(state, "GB/s", bench::triad_bytes_per_second(static_cast<std::size_t>(state.range(0))));
}
BENCHMARK(triad)
    ->ArgName("bytes")
    ->RangeMultiplier(4)
    ->Range(4 << 10, 256 << 20)
    ->Iterations(1)
    ->UseManualTime();

}  // namespace

BENCHMARK_MAIN();
