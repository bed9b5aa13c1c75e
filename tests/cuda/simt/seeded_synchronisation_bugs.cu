// Each kernel forgets, once, that threads do not run in an order of their own accord.
#include <algorithm>
#include <numeric>

#include "tests/cuda/simt/seeded_bugs.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE::test {
namespace {

constexpr unsigned kAllLanes = 0xFFFFFFFF;

// ---- barriers that some threads do not reach

// Two barriers, each for half of the block.
__global__ void barrier_in_each_branch(float* y) {
  if (threadIdx.x < 32)
    __syncthreads();
  else
    __syncthreads();
  y[threadIdx.x] = 0;
}

// The last thread is gone when the others wait for it.
__global__ void return_before_barrier(float* y) {
  if (threadIdx.x == 63) return;
  __syncthreads();
  y[threadIdx.x] = 0;
}

// The mask names lanes that wait elsewhere.
__global__ void mask_names_absent_lanes(float* y) {
  float value = 1;
  if (threadIdx.x % 32 < 16)
    value += __shfl_down_sync(kAllLanes, value, 8);
  else
    __syncthreads();
  y[threadIdx.x] = value;
}

// The upper half of the warp shuffles under the lower half's mask.
__global__ void lane_outside_its_mask(float* y) { y[threadIdx.x] = __shfl_xor_sync(0x0000FFFFU, 1.0F, 1); }

// Half of the warp shuffles, half votes.
__global__ void different_calls_of_one_warp(float* y) {
  if (threadIdx.x % 2 == 0)
    y[threadIdx.x] = __shfl_xor_sync(kAllLanes, 1.0F, 2);
  else
    y[threadIdx.x] = static_cast<float>(__any_sync(kAllLanes, 1));
}

// ---- barriers that are not there

// Between writing t and reading what another thread wrote.
__global__ void no_barrier_after_write(float* y) {
  BELLMAN_SHARED(float, t, [kThreads]);
  t[threadIdx.x] = static_cast<float>(threadIdx.x);
  y[threadIdx.x] = t[63 - threadIdx.x];
}

// The same, but right whenever lower threads run first.
__global__ void no_barrier_but_lower_thread_first(float* y) {
  BELLMAN_SHARED(float, t, [kThreads]);
  t[threadIdx.x] = static_cast<float>(threadIdx.x);
  y[threadIdx.x] = t[threadIdx.x == 0 ? 0 : threadIdx.x - 1];
}

// Between reading a tile and overwriting it with the next one.
__global__ void no_barrier_before_overwrite(float* y) {
  BELLMAN_SHARED(float, t, [kThreads]);
  float sum = 0;
  for (int tile = 0; tile < 4; ++tile) {
    t[threadIdx.x] = static_cast<float>(tile);
    __syncthreads();
    for (unsigned j = 0; j < kThreads; ++j) sum += t[j];
  }
  y[threadIdx.x] = sum;
}

// A shuffle moves its word and orders nothing else.
__global__ void shuffle_taken_for_a_fence(float* y) {
  BELLMAN_SHARED(float, t, [kThreads]);
  t[threadIdx.x] = 1;
  const float one = __shfl_xor_sync(kAllLanes, 1.0F, 1);
  y[threadIdx.x] = one * t[threadIdx.x ^ 1];
}

// Each half of a warp waits for itself and reads what the other half wrote.
__global__ void syncwarp_of_the_wrong_half(float* y) {
  BELLMAN_SHARED(float, t, [kThreads]);
  t[threadIdx.x] = 1;
  __syncwarp(threadIdx.x % 32 < 16 ? 0x0000FFFFU : 0xFFFF0000U);
  y[threadIdx.x] = t[threadIdx.x ^ 16];
}

// ---- several threads, one place

__global__ void sum_without_atomics(float* y, const float* x) {
  if (threadIdx.x == 0) y[0] = 0;
  __syncthreads();
  y[0] += x[threadIdx.x];
}

// Two threads a place: which of them stays?
__global__ void scatter_to_repeated_index(float* y, const float* x) { y[threadIdx.x / 2] = x[threadIdx.x]; }

// Blocks are not ordered, and nothing in a block orders it with another.
__global__ void blocks_sum_without_atomics(float* y, const float* x) {
  BELLMAN_DYNAMIC_SHARED(float, t);
  t[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  if (threadIdx.x == 0) y[0] = t[31] + y[0];
}

// The same before a barrier, which is the block's alone.
__global__ void blocks_write_before_barrier(float* y) {
  if (threadIdx.x == 0) y[0] = 1;
  __syncthreads();
  if (threadIdx.x == 1) y[1] = y[0];
}

// The last block reads what the others wrote; that they counted up first orders nothing without a fence.
__global__ void last_block_without_fence(float* y, int* arrived) {
  if (threadIdx.x != 0) return;
  y[blockIdx.x + 1] = 1;
  if (atomicAdd(arrived, 1) != static_cast<int>(gridDim.x) - 1) return;
  float sum = 0;
  for (unsigned block = 0; block < gridDim.x; ++block) sum += y[block + 1];
  y[0] = sum;
}

// ---- how they are run

template <class... Parameters, class... Arguments>
std::vector<float> result_of(Bench& bench, void (*kernel)(Parameters...), unsigned blocks, unsigned threads,
                             Arguments... arguments) {
  bench.stream().zero(bench.z(), kThreads * sizeof(int));
  launch(bench.stream(), kernel, blocks, threads, threads * sizeof(float), arguments...);
  return bench.result();
}

template <class F>
std::vector<float> numbers(F f) {
  std::vector<float> all(kThreads);
  for (unsigned i = 0; i < kThreads; ++i) all[i] = static_cast<float>(f(i));
  return all;
}

template <void (*kernel)(float*)>
bool run(Bench& bench) {
  result_of(bench, kernel, 1, kThreads, bench.y());
  return true;
}

constexpr SeededBug kBugs[] = {
    {"barrier_in_each_branch", run<barrier_in_each_branch>},
    {"return_before_barrier", run<return_before_barrier>},
    {"mask_names_absent_lanes", run<mask_names_absent_lanes>},
    {"lane_outside_its_mask", run<lane_outside_its_mask>},
    {"different_calls_of_one_warp", run<different_calls_of_one_warp>},
    {"no_barrier_after_write",
     [](Bench& b) {
       return result_of(b, no_barrier_after_write, 1, kThreads, b.y()) ==
              numbers([](unsigned i) { return 63 - i; });
     }},
    {"no_barrier_but_lower_thread_first",
     [](Bench& b) {
       return result_of(b, no_barrier_but_lower_thread_first, 1, kThreads, b.y()) ==
              numbers([](unsigned i) { return i == 0 ? 0 : i - 1; });
     }},
    {"no_barrier_before_overwrite",
     [](Bench& b) {
       return result_of(b, no_barrier_before_overwrite, 1, kThreads, b.y()) ==
              numbers([](unsigned) { return 64 * (0 + 1 + 2 + 3); });
     }},
    {"shuffle_taken_for_a_fence",
     [](Bench& b) {
       return result_of(b, shuffle_taken_for_a_fence, 1, kThreads, b.y()) ==
              numbers([](unsigned) { return 1; });
     }},
    {"syncwarp_of_the_wrong_half", run<syncwarp_of_the_wrong_half>},
    {"sum_without_atomics",
     [](Bench& b) { return result_of(b, sum_without_atomics, 1, kThreads, b.y(), b.x())[0] == 63 * 64 / 2; }},
    {"scatter_to_repeated_index",
     [](Bench& b) { return result_of(b, scatter_to_repeated_index, 1, kThreads, b.y(), b.x()), true; }},
    {"blocks_sum_without_atomics",
     [](Bench& b) { return result_of(b, blocks_sum_without_atomics, 4, 32, b.y(), b.x()), true; }},
    {"blocks_write_before_barrier",
     [](Bench& b) { return result_of(b, blocks_write_before_barrier, 4, 32, b.y()), true; }},
    {"last_block_without_fence",
     [](Bench& b) { return result_of(b, last_block_without_fence, 4, 32, b.y(), b.z())[0] == 4; }},
};

}  // namespace

std::span<const SeededBug> synchronisation_bugs() { return kBugs; }

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE::test
