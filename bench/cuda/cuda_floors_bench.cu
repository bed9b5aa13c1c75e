// The floors of a card: times of the smallest operations, which no kernel can go below.
//   launch                   an empty kernel, queued behind others of its kind
//   launch_and_wait          one, and the host waiting for it
//   graph_node               one more empty kernel in a CUDA graph, after the one before it
//   graph_and_wait           a graph of one, and the host waiting for it
//   block_barrier/T          T threads of a block
//   cluster_barrier/B        B blocks of a cluster, 512 threads each (compute capability 9.0)
//   grid_barrier/B           B blocks of a cooperative launch, one a multiprocessor, 512 threads each
//   shared, other_shared, global/bytes:N
//                            one thread's read that waits for the one before: from its block's shared memory,
//                            from that of the cluster's other block, from global memory past the L1 cache: 1
//                            MiB is in the L2 cache, 128 MiB are not
// Before they are timed, a barrier must hold back all threads, and a chase of pointers must end where the
// host's does.
//
//   cuda_floors_bench [--benchmark_filter=REGEX] [--benchmark_format=json] [--benchmark_out=FILE]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/cuda/device_timer.h"
#include "bench/cuda/floors.h"
#include "bench/cuda/run_benchmarks.h"

namespace bellman::bench {
namespace {

constexpr int kFew = 1'000, kMany = 11'000;  // barriers or reads in a launch
constexpr int kRounds = 4;

__global__ void __launch_bounds__(32) do_nothing() {}

void launch_nothing(cuda::CudaBackend& backend) {
  cuda::launch(backend.stream(), do_nothing, dim3(1), dim3(32), 0);
}

/// Seconds of one operation of start(count), which does `count` of them.
template <class Floor>
double seconds_of_one(cuda::CudaBackend& backend, Floor& floor) {
  floor.check();
  DeviceTimer timer(backend);
  const double few = timer.seconds_per_round([&] { floor.start(kFew); }, kRounds);
  return (timer.seconds_per_round([&] { floor.start(kMany); }, kRounds) - few) / (kMany - kFew);
}

/// Seconds from before `start` until the host knows that it is done: the median of several tries.
double seconds_until_done(cuda::CudaBackend& backend, const std::function<void()>& start) {
  constexpr int kTries = 501;
  std::vector<double> tries(kTries);
  for (double& seconds : tries) {
    const auto begin = std::chrono::steady_clock::now();
    start();
    backend.stream().synchronise();
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  std::nth_element(tries.begin(), tries.begin() + kTries / 2, tries.end());
  return tries[kTries / 2];
}

double seconds_of_launch(cuda::CudaBackend& backend) {
  return DeviceTimer(backend).seconds_per_round([&] { launch_nothing(backend); }, 1000);
}

/// A graph of so many empty kernels.
class EmptyGraph {
 public:
  EmptyGraph(cuda::CudaBackend& backend, int nodes) : backend_(backend), nodes_(nodes) {}
  void start() {
    backend_.run_recorded(recording_, [&] {
      for (int i = 0; i < nodes_; ++i) launch_nothing(backend_);
    });
  }

 private:
  cuda::CudaBackend& backend_;
  int nodes_;
  std::unique_ptr<Recording> recording_;
};

double seconds_of_graph_node(cuda::CudaBackend& backend) {
  constexpr int kFewNodes = 50, kManyNodes = 250;
  EmptyGraph few(backend, kFewNodes), many(backend, kManyNodes);
  few.start();  // records
  many.start();
  DeviceTimer timer(backend);
  const double seconds_of_few = timer.seconds_per_round([&] { few.start(); }, kRounds);
  return (timer.seconds_per_round([&] { many.start(); }, kRounds) - seconds_of_few) /
         (kManyNodes - kFewNodes);
}

void add(const std::string& name, const std::function<double()>& seconds_of) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [seconds_of](benchmark::State& state) {
                                 try {
                                   for (auto _ : state) state.SetIterationTime(seconds_of());
                                 } catch (const std::exception& error) {
                                   state.SkipWithError(error.what());
                                 }
                               })
      ->UseManualTime()
      ->Iterations(1)  // which is a median of many (DeviceTimer)
      ->Unit(benchmark::kNanosecond);
}

/// A floor that this card has; the list omits all others.
template <class Floor, class Kind, class Size>
void add_if_there(cuda::CudaBackend& backend, const std::string& name, Kind kind, Size size) {
  if (!Floor(backend, kind, size).exists()) {
    std::fprintf(stderr, "cuda_floors_bench: %s: not on this card\n", name.c_str());
    return;
  }
  add(name, [&backend, kind, size] {
    Floor floor(backend, kind, size);
    return seconds_of_one(backend, floor);
  });
}

void add_all(cuda::CudaBackend& backend) {
  benchmark::AddCustomContext("device", backend.description());
  add("launch", [&] { return seconds_of_launch(backend); });
  add("launch_and_wait", [&] { return seconds_until_done(backend, [&] { launch_nothing(backend); }); });
  add("graph_node", [&] { return seconds_of_graph_node(backend); });
  add("graph_and_wait", [&] {
    EmptyGraph graph(backend, 1);
    graph.start();
    return seconds_until_done(backend, [&] { graph.start(); });
  });
  for (const int threads : {32, 128, 512, 1024})
    add_if_there<Barrier>(backend, "block_barrier/" + std::to_string(threads), BarrierKind::kBlock, threads);
  for (const int blocks : {2, 8, 16})
    add_if_there<Barrier>(backend, "cluster_barrier/" + std::to_string(blocks), BarrierKind::kCluster,
                          blocks);
  for (const int blocks : {2, 16, cuda::device_properties().multiprocessors})
    add_if_there<Barrier>(backend, "grid_barrier/" + std::to_string(blocks), BarrierKind::kGrid, blocks);
  for (const auto& [name, kind, bytes] :
       {std::tuple{"shared", MemoryKind::kShared, PointerChase::kMostShared},
        std::tuple{"other_shared", MemoryKind::kOtherShared, PointerChase::kMostShared},
        std::tuple{"global", MemoryKind::kGlobal, std::size_t{1} << 20},
        std::tuple{"global", MemoryKind::kGlobal, std::size_t{1} << 27}})
    add_if_there<PointerChase>(backend, std::string(name) + "/bytes:" + std::to_string(bytes), kind, bytes);
}

}  // namespace
}  // namespace bellman::bench

int main(int argc, char** argv) {
  using namespace bellman;
  return bench::run_benchmarks<cuda::CudaBackend>("cuda_floors_bench", argc, argv, bench::add_all);
}
