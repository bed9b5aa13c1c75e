#include "bench/cuda/device_timer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

namespace bellman::bench {

double DeviceTimer::seconds_per_round(const std::function<void()>& round, int rounds) {
  std::array<double, kTries> tries;
  for (double& seconds : tries) {
    round();  // keeps the device busy while the host queues the first of those that count
    start_.record(backend_.stream());
    for (int i = 0; i < rounds; ++i) round();
    stop_.record(backend_.stream());
    seconds = stop_.seconds_since(start_) / rounds;
  }
  std::nth_element(tries.begin(), tries.begin() + kTries / 2, tries.end());
  return tries[kTries / 2];
}

double DeviceTimer::seconds_in_graph(const std::function<void()>& call, int calls) {
  std::unique_ptr<Recording> recording;
  const std::function<void()> all = [&] {
    for (int i = 0; i < calls; ++i) call();
  };
  const auto replay = [&] { backend_.run_recorded(recording, all); };
  replay();  // records; loads the kernels
  constexpr int kReplays = 4;
  return seconds_per_round(replay, kReplays) / calls;
}

double DeviceTimer::seconds_per_recorded_call(const std::function<void()>& call) {
  constexpr double kWorthStarting = 300e-6;
  constexpr double kMostCalls = 64;
  const double alone = seconds_in_graph(call, 1);
  const double calls = std::clamp(std::ceil(kWorthStarting / alone), 1.0, kMostCalls);
  return calls == 1 ? alone : seconds_in_graph(call, static_cast<int>(calls));
}

}  // namespace bellman::bench
