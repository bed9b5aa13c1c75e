#include "bench/timed_op.h"

#include <benchmark/benchmark.h>

#include "bench/close_to.h"
#include "bench/loop_clock.h"
#include "bench/roof.h"
#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"

namespace bellman::bench {
namespace {

using Products = CpuBackend::Products;

bool is_right(Backend& backend, const Setup& setup) {
  ReferenceBackend<float> definition;
  Tensors actual(backend), expected(definition);
  setup(actual)();
  setup(expected)();
  for (std::size_t i = 0; i < actual.all().size(); ++i)
    if (!close_to<float, float>(actual.all()[i].host(), expected.all()[i].host())) return false;
  return true;
}

void run(benchmark::State& state, int threads, Products products, const Setup& setup, const Setup& to_check,
         const Cost& cost) {
  CpuBackend backend(threads, products);
  if (!is_right(backend, to_check)) return state.SkipWithError("the output is not that of the definition");
  Tensors tensors(backend);
  const auto call = setup(tensors);
  const LoopClock clock(threads > 1 ? LoopClock::Of::kClock : LoopClock::Of::kThread);
  for (auto _ : state) {
    call();
    benchmark::ClobberMemory();
  }
  const double seconds = clock.per_iteration(state);
  state.counters["bytes"] = cost.bytes;
  if (cost.flops() > 0) state.counters["flops"] = cost.flops();
  if (cost.multiply_adds > 0) {
    state.counters["GFLOP/s"] = 2e-9 * cost.multiply_adds / seconds;
    state.counters["of_peak"] = floor_seconds(cost.multiply_adds) / seconds;
  } else {
    state.counters["GB/s"] = 1e-9 * cost.bytes / seconds;
    state.counters["of_triad"] =
        cost.bytes / seconds / triad_bytes_per_second(tensors.bytes());  // same caches
  }
}

}  // namespace

void add_timed_op(const std::string& name, const Cost& cost, const Setup& setup, const Setup& to_check,
                  bool shared) {
  const auto with = [&](const char* variant, int threads, Products products) {
    auto* bench = benchmark::RegisterBenchmark((name + variant).c_str(), [=](benchmark::State& state) {
      run(state, threads, products, setup, to_check, cost);
    });
    bench->Unit(benchmark::kMicrosecond);
    if (threads > 1) bench->UseRealTime();
  };
  with("", 1, Products::kTiled);
  if (cost.multiply_adds > 0) with("/eigen", 1, Products::kEigen);
  if (shared) with("/threads:2", 2, Products::kTiled);
}

}  // namespace bellman::bench
