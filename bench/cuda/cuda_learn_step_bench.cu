// One gradient step of DQN on a GPU, kept there as a CUDA graph:
//   recorded     both networks' passes, target, loss, backward pass, Adam, on a fixed batch, as
//                bench/peers/learn_step_torch_graph.py does in PyTorch
//   agent        the same with the draw and the gathering of the batch, as training does it, the host's part
//                included; agent_per: drawn by priority
//   fused        the same as recorded in one launch of one block (cuda/fused/dqn.cu), where the network fits
//   fused_x16    16 steps a launch: the time of one
//   agent_fused, agent_per_fused     as agent and agent_per, with it
// Gradients and TD errors of a first step are compared with the CPU's before anything is timed.
//
//   cuda_learn_step_bench [--benchmark_filter=REGEX] [--benchmark_format=json] [--benchmark_out=FILE]
#include <cmath>
#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include "bench/cuda/device_roof.h"
#include "bench/cuda/device_timer.h"
#include "bench/cuda/learn_step_work.h"
#include "bench/cuda/run_benchmarks.h"
#include "bench/roof.h"
#include "cuda/backend/cuda_backend.h"

namespace bellman::bench {
namespace {

constexpr int kRounds = 200;

struct Device {
  cuda::CudaBackend backend;
  DeviceRoof roof = measure_device_roof(backend);
};

bool is_right(Backend& backend, const Network& network, const Workload& work) {
  BatchStep step(backend, network, work);
  std::unique_ptr<Recording> recording;
  backend.run_recorded(recording, [&] { step.run(); });
  return step.is_that_of_cpu();
}

double seconds_of_recorded(Device& device, const Network& network, const Workload& work) {
  BatchStep step(device.backend, network, work);
  std::unique_ptr<Recording> recording;
  return DeviceTimer(device.backend)
      .seconds_per_round([&] { device.backend.run_recorded(recording, [&] { step.run(); }); }, kRounds);
}

double seconds_of_fused(Device& device, const Network& network, const Workload& work, Index steps) {
  FusedBatchSteps one(device.backend, network, work, 1);
  one.run();
  if (!one.is_that_of_cpu()) fail("the fused step's gradients or TD errors are not the CPU's");
  FusedBatchSteps several(device.backend, network, work, steps);
  return DeviceTimer(device.backend).seconds_per_round([&] { several.run(); }, kRounds) /
         static_cast<double>(steps);
}

double seconds_of_agent(Device& device, const Network& network, const Workload& work, bool prioritized,
                        bool fused) {
  const auto agent = agent_with_experience(device.backend, device.backend.replay_ops(), network, work,
                                           prioritized, fused ? device.backend.fused_dqn_ops() : nullptr);
  Agent::LearnStep step = {.number = 0, .timestep = 0, .learning_rate = 1e-3F, .beta = 0.4};
  const double seconds = DeviceTimer(device.backend)
                             .seconds_per_round(
                                 [&] {
                                   if (!agent->learn(step)) fail("the agent has nothing to learn from");
                                   ++step.number;
                                 },
                                 kRounds);
  if (!std::isfinite(agent->take_summary().loss)) fail("the agent's loss is not finite");
  return seconds;
}

enum class Kind { kRecorded, kAgent, kAgentPer, kFused, kFused16, kAgentFused, kAgentPerFused };

double seconds_of(Device& device, const Network& network, const Workload& work, Kind kind) {
  switch (kind) {
    case Kind::kRecorded:
      return seconds_of_recorded(device, network, work);
    case Kind::kFused:
      return seconds_of_fused(device, network, work, 1);
    case Kind::kFused16:
      return seconds_of_fused(device, network, work, 16);
    default:
      return seconds_of_agent(device, network, work, kind == Kind::kAgentPer || kind == Kind::kAgentPerFused,
                              kind == Kind::kAgentFused || kind == Kind::kAgentPerFused);
  }
}

/// Whether the device's single op supports the network.
bool fits(Device& device, const Workload& work) {
  const Network network(work.network, work.observation);
  return fused_unsupported_reason(*device.backend.fused_dqn_ops(), network, learn_step_options(work)).empty();
}

void learn_step(benchmark::State& state, Device& device, const Workload& work, Kind kind) {
  try {
    const Network network(work.network, work.observation);
    if (!is_right(device.backend, network, work))
      return state.SkipWithError("gradients or TD errors are not the CPU's");
    double seconds = 0;
    for (auto _ : state) {
      seconds = seconds_of(device, network, work, kind);
      state.SetIterationTime(seconds);
    }
    const double flops = 2 * multiply_adds_of_learn_step(network, work.batch);
    state.counters["steps/s"] = 1 / seconds;
    state.counters["GFLOP/s"] = 1e-9 * flops / seconds;
    state.counters["of_fp32"] = flops / seconds / device.roof.fp32_flops_per_second;
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}

void add(Device& device, const Workload& work, const char* name, Kind kind) {
  const std::string full = "learn_step/" + work.name + "/batch:" + std::to_string(work.batch) + "/" + name;
  benchmark::RegisterBenchmark(
      full.c_str(), [&device, work, kind](benchmark::State& state) { learn_step(state, device, work, kind); })
      ->UseManualTime()
      ->Iterations(1)  // which is a median of many (DeviceTimer)
      ->Unit(benchmark::kMicrosecond);
}

void add_all(Device& device) {
  benchmark::AddCustomContext("device", device.backend.description());
  for (const Workload& work : learn_step_workloads()) {
    add(device, work, "recorded", Kind::kRecorded);
    add(device, work, "agent", Kind::kAgent);
    add(device, work, "agent_per", Kind::kAgentPer);
    if (!fits(device, work)) continue;
    add(device, work, "fused", Kind::kFused);
    add(device, work, "fused_x16", Kind::kFused16);
    add(device, work, "agent_fused", Kind::kAgentFused);
    add(device, work, "agent_per_fused", Kind::kAgentPerFused);
  }
}

}  // namespace
}  // namespace bellman::bench

int main(int argc, char** argv) {
  using namespace bellman;
  return bench::run_benchmarks<bench::Device>("cuda_learn_step_bench", argc, argv, bench::add_all);
}
