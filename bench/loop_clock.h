// The time of a benchmark's loop, for counters that are computed from it and stored as plain numbers. Google
// Benchmark would print its own rates with "/s", even a share of a roof.
#pragma once

#include <benchmark/benchmark.h>
#include <time.h>  // clock_gettime, POSIX

#include "bench/roof.h"

namespace bellman::bench {

class LoopClock {
 public:
  enum class Of { kThread, kClock };  // processor time of this thread; time on the wall, of several threads
  /// Starts the clock; construct it right before the loop.
  explicit LoopClock(Of of) : of_(of), start_(now()) {}
  /// Seconds of an iteration; call it right after the loop.
  double per_iteration(const benchmark::State& state) const {
    return (now() - start_) / static_cast<double>(state.iterations());
  }

 private:
  double now() const {
    timespec time{};
    clock_gettime(of_ == Of::kThread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }
  Of of_;
  double start_;
};

/// Adds the rate of a step with so many multiply-adds that took so long, and the ratio of that time to the
/// multiply-adds' time at this core's peak.
inline void show_against_floor(benchmark::State& state, double multiply_adds, double seconds) {
  state.counters["GFLOP/s"] = 2e-9 * multiply_adds / seconds;
  state.counters["floor_us"] = 1e6 * floor_seconds(multiply_adds);
  state.counters["x_floor"] = seconds / floor_seconds(multiply_adds);
}

}  // namespace bellman::bench
