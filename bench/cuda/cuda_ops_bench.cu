// The ops on a GPU (bench/cuda/timed_ops.h): time on the device, and its share of the card's measured
// rates. Dense layers run with our kernels and, where the machine has it, with cuBLAS. Before an op is timed,
// every number it gives is compared with the CPU's.
//
//   cuda_ops_bench [--benchmark_filter=REGEX] [--benchmark_format=json] [--benchmark_out=FILE]
#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>

#include "bench/cuda/device_roof.h"
#include "bench/cuda/device_timer.h"
#include "bench/cuda/run_benchmarks.h"
#include "bench/cuda/timed_ops.h"
#include "cuda/backend/cuda_backend.h"
#include "cuda/device/cublas_products.h"

namespace bellman::bench {
namespace {

/// The device, its roofs, and cuBLAS for layers of any width.
struct Device {
  cuda::CudaBackend backend;
  DeviceRoof roof = measure_device_roof(backend);
  cuda::LibraryProducts library{backend.stream(), 1};
  DenseProducts cublas = {
      [this](Tensor y, ConstTensor x, ConstTensor w, ConstTensor b) {
        if (!library.dense_forward(y, x, w, b)) fail("cuBLAS was not asked");
      },
      [this](Tensor dx, Tensor dw, Tensor db, ConstTensor dy, ConstTensor x, ConstTensor w) {
        if (!library.dense_backward(dx, dw, db, dy, x, w)) fail("cuBLAS was not asked");
      }};
};

void show(benchmark::State& state, const OpCost& cost, const DeviceRoof& roof, double seconds) {
  if (cost.flops > 0) {
    state.counters["GFLOP/s"] = 1e-9 * cost.flops / seconds;
    state.counters["of_fp32"] = cost.flops / seconds / roof.fp32_flops_per_second;
  }
  if (cost.bytes > 0) {
    state.counters["GB/s"] = 1e-9 * cost.bytes / seconds;
    state.counters["of_copy"] = cost.bytes / seconds / roof.copy_bytes_per_second;
  }
}

void time_op(benchmark::State& state, Device& device, const TimedOp& op, const DenseProducts* dense) {
  try {
    {
      OpTensors once(device.backend, device.backend.replay_ops());
      const std::string wrong = difference(op, once, dense);
      if (!wrong.empty()) return state.SkipWithError(wrong.c_str());
    }
    OpTensors tensors(device.backend, device.backend.replay_ops());
    const auto call = op.setup(tensors, dense);
    DeviceTimer timer(device.backend);
    double seconds = 0;
    for (auto _ : state) {
      seconds = timer.seconds_per_recorded_call(call);
      state.SetIterationTime(seconds);
    }
    show(state, op.cost, device.roof, seconds);
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}

void add(Device& device, const TimedOp& op, const char* variant, const DenseProducts* dense) {
  benchmark::RegisterBenchmark(
      (op.name + variant).c_str(),
      [&device, op, dense](benchmark::State& state) { time_op(state, device, op, dense); })
      ->UseManualTime()
      ->Iterations(1)  // which is a median of many (DeviceTimer)
      ->Unit(benchmark::kMicrosecond);
}

void add_all(Device& device) {
  benchmark::AddCustomContext("device", device.backend.description());
  benchmark::AddCustomContext("copy_bytes_per_second", std::to_string(device.roof.copy_bytes_per_second));
  benchmark::AddCustomContext("fp32_flops_per_second", std::to_string(device.roof.fp32_flops_per_second));
  benchmark::AddCustomContext("cublas", device.library.is_available() ? "timed" : "missing");
  for (const TimedOp& op : timed_ops()) {
    add(device, op, op.dense ? "/ours" : "", nullptr);
    if (op.dense && device.library.is_available()) add(device, op, "/cublas", &device.cublas);
  }
}

}  // namespace
}  // namespace bellman::bench

int main(int argc, char** argv) {
  setenv("BELLMAN_CUBLAS", "off", 1);  // the backend is to use our kernels, however wide a layer is
  using namespace bellman;
  return bench::run_benchmarks<bench::Device>("cuda_ops_bench", argc, argv, bench::add_all);
}
