// Each kernel does with memory what it must not, once.
#include <algorithm>
#include <utility>

#include "tests/cuda/simt/seeded_bugs.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE::test {
namespace {

// The last of n + 1 threads reads x[n].
__global__ void read_past_end_of_global(float* y, const float* x, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i <= n) y[i < n ? i : 0] = x[i];
}

// The last thread writes t[64].
__global__ void write_past_end_of_shared(float* y) {
  BELLMAN_SHARED(float, t, [kThreads]);
  float* const end = t + 1;
  end[threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] = t[threadIdx.x];
}

// Column 8 of 8: within the array, but of the next row.
__global__ void write_past_row_of_shared(float* y) {
  BELLMAN_SHARED(float, t, [8][8]);
  t[threadIdx.x / 8][threadIdx.x % 8 + 1] = 1;
  __syncthreads();
  y[threadIdx.x] = t[threadIdx.x / 8][threadIdx.x % 8];
}

// As above, where the launch says how much there is.
__global__ void write_past_end_of_dynamic_shared(float* y) {
  BELLMAN_DYNAMIC_SHARED(float, t);
  t[threadIdx.x + 1] = 1;
  __syncthreads();
  y[threadIdx.x] = t[threadIdx.x];
}

__global__ void copy(float* y, const float* x) { y[threadIdx.x] = x[threadIdx.x]; }

// A float4 wants a multiple of 16 bytes; x + 1 is none.
__global__ void misaligned_float4(float* y, const float* x) {
  y[threadIdx.x] = reinterpret_cast<const float4*>(x + 1)[threadIdx.x].x;
}

// Shared floats begin at a multiple of 4 bytes; of 16 where the compiler happens to put them there.
__global__ void float4_in_shared_floats(float* y, const float* x) {
  BELLMAN_SHARED(float, t, [4 * 8]);
  for (unsigned i = 0; i < 4; ++i) t[8 * i + threadIdx.x] = x[8 * i + threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = reinterpret_cast<const float4*>(t)[threadIdx.x].x;
}

// 2^31 - 1 times 2 is no int.
__global__ void signed_overflow(float* y, int n) {
  y[threadIdx.x] = static_cast<float>(n * static_cast<int>(threadIdx.x + 1) & 1);
}

// Half of t is never written.
__global__ void uninitialised_shared(float* y) {
  BELLMAN_SHARED(float, t, [kThreads]);
  if (threadIdx.x < kThreads / 2) t[threadIdx.x] = 0;
  __syncthreads();
  y[threadIdx.x] = t[threadIdx.x];
}

// y was never written: new device memory is not zero.
__global__ void uninitialised_global(float* y) { y[threadIdx.x] += 1; }

bool read_released_memory(Bench& bench) {
  const float* released = nullptr;
  {
    const DeviceMemory memory(kThreads * sizeof(float));
    released = static_cast<const float*>(memory.data());
  }
  launch(bench.stream(), copy, 1, kThreads, 0, bench.y(), released);
  bench.stream().synchronise();
  return true;
}

// The launch's result is used before anybody waited for it.
bool no_wait_for_stream(Bench& bench) {
  launch(bench.stream(), copy, 1, kThreads, 0, bench.y(), bench.x());
  return bench.y()[0] == 0;
}

bool all_are(Bench& bench, float value) {
  const std::vector<float> y = bench.result();
  return std::all_of(y.begin(), y.end(), [=](float number) { return number == value; });
}

template <class... Parameters, class... Arguments>
bool run(Bench& bench, void (*kernel)(Parameters...), unsigned threads, std::size_t shared_bytes,
         Arguments... arguments) {
  launch(bench.stream(), kernel, 1, threads, shared_bytes, arguments...);
  bench.stream().synchronise();
  return true;
}

constexpr SeededBug kBugs[] = {
    {"read_past_end_of_global",
     [](Bench& b) { return run(b, read_past_end_of_global, 2 * kThreads, 0, b.y(), b.x(), int{kThreads}); }},
    {"write_past_end_of_shared",
     [](Bench& b) { return run(b, write_past_end_of_shared, kThreads, 0, b.y()); }},
    {"write_past_row_of_shared",
     [](Bench& b) { return run(b, write_past_row_of_shared, kThreads, 0, b.y()); }},
    {"write_past_end_of_dynamic_shared",
     [](Bench& b) { return run(b, write_past_end_of_dynamic_shared, kThreads, 4 * kThreads, b.y()); }},
    {"read_released_memory", read_released_memory},
    {"misaligned_float4", [](Bench& b) { return run(b, misaligned_float4, 8, 0, b.y(), b.x()); }},
    {"float4_in_shared_floats", [](Bench& b) { return run(b, float4_in_shared_floats, 8, 0, b.y(), b.x()); }},
    {"signed_overflow", [](Bench& b) { return run(b, signed_overflow, kThreads, 0, b.y(), 0x7FFFFFFF); }},
    {"uninitialised_shared",
     [](Bench& b) { return run(b, uninitialised_shared, kThreads, 0, b.y()) && all_are(b, 0); }},
    {"uninitialised_global",
     [](Bench& b) { return run(b, uninitialised_global, kThreads, 0, b.y()) && all_are(b, 1); }},
    {"no_wait_for_stream", no_wait_for_stream},
};

}  // namespace

std::span<const SeededBug> memory_bugs() { return kBugs; }

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE::test
