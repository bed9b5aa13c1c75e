// Kernels without a mistake, which look like those with one: nothing may complain of them, in any order.
#include "tests/cuda/simt/seeded_bugs.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE::test {
namespace {

constexpr unsigned kAllLanes = 0xFFFFFFFF;

// y[i] = (63 - i) + the sum of all, by a tree in shared memory, with a barrier wherever one is needed.
__global__ void barriers(float* y, const float* x) {
  BELLMAN_SHARED(float, t, [kThreads]);
  t[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  const float mirrored = t[63 - threadIdx.x];
  for (unsigned half = 32; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) t[threadIdx.x] += t[threadIdx.x + half];
  }
  __syncthreads();
  if (blockIdx.x == 0) y[threadIdx.x] = mirrored + t[0];
}

// Tiles that follow one another in the same shared memory, and threads that return after the last barrier.
__global__ void tiles(float* y, const float* x) {
  BELLMAN_SHARED(float, t, [8][8 + 1]);
  const unsigned row = threadIdx.y, column = threadIdx.x, i = 8 * row + column;
  float sum = 0;
  for (int tile = 0; tile < 3; ++tile) {
    t[row][column] = x[i];
    __syncthreads();
    sum += t[column][row];
    __syncthreads();
  }
  if (blockIdx.x > 0) return;
  y[i] = sum;
}

// __syncwarp orders the lanes of its mask, and lanes that returned are not waited for.
__global__ void syncwarps(float* y, const float* x) {
  BELLMAN_SHARED(float, t, [kThreads]);
  t[threadIdx.x] = x[threadIdx.x];
  __syncwarp();
  y[threadIdx.x] = t[threadIdx.x ^ 1];
  __syncwarp(threadIdx.x % 32 < 16 ? 0x0000FFFFU : 0xFFFF0000U);
  t[threadIdx.x ^ 1] = 1;
  if (threadIdx.x % 32 >= 30) return;
  __syncwarp();
  y[threadIdx.x] += t[threadIdx.x];
}

// y[0] = the sum of x, through registers and one word a warp.
__global__ void shuffles(float* y, const float* x) {
  BELLMAN_DYNAMIC_SHARED(float, sum_of_warp);
  float sum = x[threadIdx.x];
  for (unsigned distance = 16; distance > 0; distance /= 2) sum += __shfl_down_sync(kAllLanes, sum, distance);
  if (threadIdx.x % 32 == 0) sum_of_warp[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) y[0] = sum_of_warp[0] + sum_of_warp[1];
}

// Blocks count with integers, whose sum has no order.
__global__ void atomic_counts(int* count) {
  atomicAdd(count, 1);
  atomicMax(count + 1, static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x));
}

// The last block sums up what all have written: each fences before it counts up.
__global__ void last_block(float* y, int* arrived) {
  if (threadIdx.x != 0) return;
  y[blockIdx.x + 1] = 1;
  __threadfence();
  if (atomicAdd(arrived, 1) != static_cast<int>(gridDim.x) - 1) return;
  float sum = 0;
  for (unsigned block = 0; block < gridDim.x; ++block) sum += y[block + 1];
  y[0] = sum;
}

// What one launch wrote the next may read, from any thread.
__global__ void add_neighbours(float* y, const float* x) {
  y[threadIdx.x] = x[threadIdx.x] + x[(threadIdx.x + 1) % kThreads];
}

bool tiles_are_right(Bench& b) {
  launch(b.stream(), tiles, 3, dim3(8, 8), 0, b.y(), b.x());
  const std::vector<float> y = b.result();
  for (unsigned i = 0; i < kThreads; ++i)
    if (y[i] != static_cast<float>(3 * (i % 8 * 8 + i / 8))) return false;
  return true;
}

bool atomics_are_right(Bench& b) {
  b.stream().zero(b.z(), kThreads * sizeof(int));
  launch(b.stream(), atomic_counts, 5, kThreads, 0, b.z());
  int counts[2] = {};
  b.stream().copy_to_host(counts, b.z(), sizeof counts);
  return counts[0] == 5 * kThreads && counts[1] == 5 * kThreads - 1;
}

bool launches_are_ordered(Bench& b) {
  launch(b.stream(), add_neighbours, 1, kThreads, 0, b.y(), b.x());
  launch(b.stream(), add_neighbours, 1, kThreads, 0, b.x(), b.y());
  launch(b.stream(), add_neighbours, 1, kThreads, 0, b.y(), b.x());
  return b.result()[10] == 10 + 3 * 11 + 3 * 12 + 13;
}

constexpr SeededBug kCorrect[] = {
    {"correct_barriers",
     [](Bench& b) {
       launch(b.stream(), barriers, 3, kThreads, 0, b.y(), b.x());
       return b.result()[5] == 63 - 5 + 63 * 64 / 2;
     }},
    {"correct_tiles", tiles_are_right},
    {"correct_syncwarps",
     [](Bench& b) {
       launch(b.stream(), syncwarps, 1, kThreads, 0, b.y(), b.x());
       return b.result()[4] == 5 + 1;
     }},
    {"correct_shuffles",
     [](Bench& b) {
       launch(b.stream(), shuffles, 1, kThreads, 8, b.y(), b.x());
       return b.result()[0] == 63 * 64 / 2;
     }},
    {"correct_atomics", atomics_are_right},
    {"correct_last_block",
     [](Bench& b) {
       b.stream().zero(b.z(), kThreads * sizeof(int));
       launch(b.stream(), last_block, 4, 32, 0, b.y(), b.z());
       return b.result()[0] == 4;
     }},
    {"correct_launches", launches_are_ordered},
};

}  // namespace

std::span<const SeededBug> correct_kernels() { return kCorrect; }

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE::test
