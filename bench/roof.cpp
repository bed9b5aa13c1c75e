#include "bench/roof.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include <benchmark/benchmark.h>

#include "core/cpu/simd/vec.h"

namespace bellman::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The shortest of `tries` calls, seconds. Other programs may use the core now and then, so the best
/// try counts.
template <class F>
double best_time(int tries, F f) {
  double best = 1e9;
  for (int i = 0; i < tries; ++i) {
    const Clock::time_point start = Clock::now();
    f();
    best = std::min(best, seconds_since(start));
  }
  return best;
}

}  // namespace

double measure_flops_per_second() {
  constexpr int kChains = 12;  // more than latency times throughput: 4 cycles, 2 a cycle
  constexpr int kSteps = 200'000;
  cpu::Vec sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = cpu::Vec{} + static_cast<float>(i);
  cpu::Vec factor = cpu::Vec{} + 0.5F, term = cpu::Vec{} + 1.0F;
  benchmark::DoNotOptimize(factor);
  benchmark::DoNotOptimize(term);
  const double seconds = best_time(100, [&] {
    for (int step = 0; step < kSteps; ++step)
#pragma GCC unroll 12
      for (int i = 0; i < kChains; ++i) sum[i] = sum[i] * factor + term;
    for (cpu::Vec& s : sum) benchmark::DoNotOptimize(s);
  });
  return 2.0 * kSteps * kChains * cpu::kLanes / seconds;
}

double flops_per_second() {
  static const double measured = measure_flops_per_second();
  return measured;
}

double triad_bytes_per_second(std::size_t working_set) {
  const std::size_t n = std::max<std::size_t>(working_set / (3 * sizeof(float)), 1);
  std::vector<float> a(n), b(n, 1.0F), c(n, 2.0F);
  const std::size_t repeats = std::max<std::size_t>(1, (std::size_t{1} << 22) / n);
  const double seconds = best_time(20, [&] {
    for (std::size_t repeat = 0; repeat < repeats; ++repeat) {
      float* __restrict to = a.data();
      const float* __restrict x = b.data();
      const float* __restrict y = c.data();
      for (std::size_t i = 0; i < n; ++i) to[i] = x[i] + 3.0F * y[i];
      benchmark::ClobberMemory();
    }
  });
  return 3.0 * sizeof(float) * static_cast<double>(n * repeats) / seconds;
}

double multiply_adds_of_learn_step(const Network& network, Index batch) {
  Index total = 0;
  bool first = true;
  for (std::size_t i = 0; i < network.layers(); ++i) {
    const Shape output = network.layer(i).output_shape();
    Index layer = 0;
    for (const ParameterInfo& parameter : network.layer(i).parameters()) {
      const bool convolution = parameter.shape.rank() == 4;
      if (parameter.role == ParameterRole::kWeight)
        layer += parameter.shape.elements() * (convolution ? output[1] * output[2] : 1);
    }
    if (layer == 0) continue;
    total += layer * (first ? 3 : 4);
    first = false;
  }
  return static_cast<double>(total * batch);
}

}  // namespace bellman::bench
