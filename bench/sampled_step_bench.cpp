// The learn step of a run of DQN, sampling through Adam, by every learner of the CPU, and by the fused one with
// each slower instruction set of this processor (`sampled_step_with`). `x_floor`: the ratio to the least time of
// its multiply-adds at this core's peak. Means over many steps, counted in the whole program: `allocations`,
// requests for memory (tests/support/counts/allocation_count.h); `locks`, calls of pthread_mutex_lock (lock_count.h);
// `system_calls` of the learners of one thread, where a process can be traced (system_call_count.h).
#include <memory>
#include <optional>
#include <string>

#include <benchmark/benchmark.h>

#include "bench/close_to.h"
#include "bench/loop_clock.h"
#include "bench/roof.h"
#include "bench/sampled_step.h"
#include "core/reference/reference_backend.h"
#include "tests/support/counts/allocation_count.h"
#include "tests/support/counts/lock_count.h"
#include "tests/support/counts/system_call_count.h"

namespace {

using namespace bellman;

constexpr int kCounted = 100;

/// Three steps give the same parameters as the ops' definitions.
bool is_right(const bench::Workload& workload, const bench::LearnerEntry& learner, Backend& backend) {
  ReferenceBackend<float> definition;
  bench::SampledStep actual(workload, learner, backend);
  bench::SampledStep expected(workload, bench::cpu_learners().front(), definition);
  for (int step = 0; step < 3; ++step) {
    actual.run();
    expected.run();
  }
  // Adam moves a parameter by its learning rate, 1e-3, at the first steps, however small its gradient is.
  return bench::close_to<float, float>(actual.parameters(), expected.parameters(), 1e-3);
}

/// Counts what the steps call, before any is timed.
void count_calls(benchmark::State& state, bench::SampledStep& step, int threads) {
  const auto steps = [&step] {
    for (int i = 0; i < kCounted; ++i) step.run();
  };
  const auto per_step = [](auto calls) { return static_cast<double>(calls) / kCounted; };
  step.run();
  // A copy of the process has one thread.
  if (const auto calls = threads == 1 ? test::system_calls(steps) : std::nullopt)
    state.counters["system_calls"] = per_step(*calls);
  const std::size_t allocations_before = test::allocations();
  const long locks_before = test::locks();
  steps();
  const long locks = test::locks() - locks_before;
  const std::size_t allocations = test::allocations() - allocations_before;  // a counter allocates
  state.counters["locks"] = per_step(locks);
  state.counters["allocations"] = per_step(allocations);
}

void sampled_step(benchmark::State& state, const bench::Workload& workload,
                  const bench::LearnerEntry& learner, int threads, Index slots) {
  CpuBackend backend(threads);
  if (!is_right(workload, learner, backend))
    return state.SkipWithError("the parameters are not those of the definitions");
  bench::SampledStep step(workload, learner, backend, slots);
  count_calls(state, step, threads);
  const bench::LoopClock clock(threads > 1 ? bench::LoopClock::Of::kClock : bench::LoopClock::Of::kThread);
  for (auto _ : state) step.run();
  const double seconds = clock.per_iteration(state);
  state.SetLabel(workload.label());
  bench::show_against_floor(state, bench::multiply_adds_of_learn_step(step.network(), workload.batch),
                            seconds);
}

/// With several threads wall time counts.
void register_step(std::string name, const bench::Workload& workload, const bench::LearnerEntry& learner,
                   int threads, Index slots = bench::SampledStep::kSlots) {
  if (slots != bench::SampledStep::kSlots) name += "/slots:" + std::to_string(slots);
  if (threads > 1) name += "/threads:" + std::to_string(threads);
  auto* const registered = benchmark::RegisterBenchmark(
      name.c_str(), [=](benchmark::State& state) { sampled_step(state, workload, learner, threads, slots); });
  registered->Unit(benchmark::kMicrosecond);
  if (threads > 1) registered->UseRealTime();
}

/// The fused learner with an instruction set of this processor that is not the fastest.
bench::LearnerEntry fused_with(const cpu::Kernels& kernels) {
  return {.name = kernels.name,
          .make = [&kernels](Backend& backend, const Network& network, const LearnerOptions& options) {
            return std::make_unique<FusedCpuLearner>(backend, network, options, kernels);
          }};
}

}  // namespace

int main(int argc, char** argv) {
  const auto instruction_sets = cpu::usable_kernels();
  for (const bench::Workload& workload : bench::dense_workloads()) {
    for (const bench::LearnerEntry& learner : bench::cpu_learners())
      for (const int threads : {1, 2})
        register_step("sampled_step/" + workload.name + "/" + learner.name, workload, learner, threads);
    register_step("sampled_step/" + workload.name + "/fused", workload, bench::cpu_learners().back(), 1,
                  Index{1} << 20);
    for (std::size_t i = 1; i < instruction_sets.size(); ++i) {
      const bench::LearnerEntry learner = fused_with(*instruction_sets[i]);
      register_step("sampled_step_with/" + learner.name + "/" + workload.name, workload, learner, 1);
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
