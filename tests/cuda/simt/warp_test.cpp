#include "cuda/simt/warp.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "cuda/base/runtime.h"

namespace bellman::simt {
namespace {

constexpr unsigned kAllLanes = 0xFFFFFFFF;

/// What `kernel` writes with one block of so many threads.
template <class T>
std::vector<T> written(void (*kernel)(T*), unsigned threads) {
  Stream stream;
  const DeviceMemory y(threads * sizeof(T));
  launch(stream, kernel, 1, threads, 0, static_cast<T*>(y.data()));
  std::vector<T> host(threads);
  stream.copy_to_host(host.data(), y.data(), y.bytes());
  return host;
}

/// f(lane) for each of so many lanes.
template <class T, class F>
std::vector<T> lanes(unsigned count, F f) {
  std::vector<T> all(count);
  for (unsigned lane = 0; lane < count; ++lane) all[lane] = static_cast<T>(f(lane));
  return all;
}

__global__ void down(int* y) {
  y[threadIdx.x] = __shfl_down_sync(kAllLanes, static_cast<int>(threadIdx.x), 3);
}
__global__ void down_of_eights(int* y) {
  y[threadIdx.x] = __shfl_down_sync(kAllLanes, static_cast<int>(threadIdx.x), 3, 8);
}
__global__ void up(int* y) { y[threadIdx.x] = __shfl_up_sync(kAllLanes, static_cast<int>(threadIdx.x), 5); }
__global__ void up_of_fours(int* y) {
  y[threadIdx.x] = __shfl_up_sync(kAllLanes, static_cast<int>(threadIdx.x), 1, 4);
}
__global__ void exclusive_or(int* y) {
  y[threadIdx.x] = __shfl_xor_sync(kAllLanes, static_cast<int>(threadIdx.x), 17);
}
// CUDA reads from lower groups, not from higher ones.
__global__ void exclusive_or_of_sixteens(int* y) {
  y[threadIdx.x] = __shfl_xor_sync(kAllLanes, static_cast<int>(threadIdx.x), 17, 16);
}
__global__ void broadcast(double* y) { y[threadIdx.x] = __shfl_sync(kAllLanes, threadIdx.x + 0.25, 9); }
__global__ void broadcast_in_eights(std::int64_t* y) {
  y[threadIdx.x] = __shfl_sync(kAllLanes, std::int64_t{threadIdx.x} << 40, 2, 8);
}
// Lanes of one half only, while the other half does something else.
__global__ void half_a_warp(float* y) {
  if (threadIdx.x % 32 < 16) {
    float sum = 1;
    for (int distance = 8; distance > 0; distance /= 2) sum += __shfl_xor_sync(0x0000FFFFU, sum, distance);
    y[threadIdx.x] = sum;
  } else {
    y[threadIdx.x] = __shfl_sync(0xFFFF0000U, -1.0F * static_cast<float>(threadIdx.x % 32), 20);
  }
}
__global__ void from_a_lane_that_returned(float* y) {
  y[threadIdx.x] = 0;
  if (threadIdx.x % 2 == 1) return;
  y[threadIdx.x] = __shfl_down_sync(kAllLanes, 1.0F, 1);
}
__global__ void votes(unsigned* y) {
  const unsigned ballot = __ballot_sync(kAllLanes, threadIdx.x % 3 == 0);
  const int any = __any_sync(kAllLanes, threadIdx.x == 40), all = __all_sync(kAllLanes, threadIdx.x < 40);
  const unsigned some = threadIdx.x % 2 == 0 ? __ballot_sync(0x55555555U, 1) : 0;
  y[threadIdx.x] = ballot ^ some ^ (any != 0 ? 1U << 31 : 0U) ^ (all != 0 ? 1U << 30 : 0U);
}
// Many meetings one after another, under masks that take turns; fast lanes run ahead of slow ones.
__global__ void many_meetings(int* y) {
  int sum = 0;
  for (int i = 0; i < 100; ++i) {
    const unsigned mask = i % 3 == 0 ? kAllLanes : threadIdx.x % 2 == 0 ? 0x55555555U : 0xAAAAAAAAU;
    const int source = i % 3 == 0 ? i % 32 : static_cast<int>((threadIdx.x + 2) % 32);
    sum += __shfl_sync(mask, static_cast<int>(threadIdx.x) + i, source);
  }
  y[threadIdx.x] = sum;
}
__global__ void in_two_dimensions(int* y) {
  const int thread = static_cast<int>(threadIdx.x);
  y[thread] = __shfl_sync(kAllLanes, thread, 0);
}

}  // namespace

TEST_CASE("shuffles read from where CUDA reads, and a lane without a source keeps its value") {
  CHECK(written(down, 64) == lanes<int>(64, [](unsigned i) { return i % 32 < 29 ? i + 3 : i; }));
  CHECK(written(down_of_eights, 32) == lanes<int>(32, [](unsigned i) { return i % 8 < 5 ? i + 3 : i; }));
  CHECK(written(up, 64) == lanes<int>(64, [](unsigned i) { return i % 32 < 5 ? i : i - 5; }));
  CHECK(written(up_of_fours, 32) == lanes<int>(32, [](unsigned i) { return i % 4 == 0 ? i : i - 1; }));
  CHECK(written(exclusive_or, 32) == lanes<int>(32, [](unsigned i) { return i ^ 17U; }));
  CHECK(written(exclusive_or_of_sixteens, 32) ==
        lanes<int>(32, [](unsigned i) { return i < 16 ? i : i ^ 17U; }));
  CHECK(written(in_two_dimensions, 96) == lanes<int>(96, [](unsigned i) { return i / 32 * 32; }));
}

TEST_CASE("words of eight bytes go through whole") {
  CHECK(written(broadcast, 64) == lanes<double>(64, [](unsigned i) { return i / 32 * 32 + 9.25; }));
  CHECK(written(broadcast_in_eights, 32) ==
        lanes<std::int64_t>(32, [](unsigned i) { return (std::int64_t{i} / 8 * 8 + 2) << 40; }));
}

TEST_CASE("lanes meet under their own mask") {
  CHECK(written(half_a_warp, 64) == lanes<float>(64, [](unsigned i) { return i % 32 < 16 ? 16 : -20; }));
}

TEST_CASE("a lane that returned is not waited for, and its word is poison") {
  const std::vector<float> y = written(from_a_lane_that_returned, 8);
  for (unsigned i = 0; i < 8; ++i) CHECK(std::isnan(y[i]) == (i % 2 == 0));
}

TEST_CASE("votes count the lanes of the mask") {
  const std::vector<unsigned> y = written(votes, 64);
  CHECK(y[0] == (0x49249249U ^ 0x55555555U ^ 1U << 30));
  CHECK(y[1] == (0x49249249U ^ 1U << 30));
  CHECK(y[32] == (0x92492492U ^ 0x55555555U ^ 1U << 31));
}

TEST_CASE("a warp that is not full has the lanes that there are") {
  CHECK(written(down, 5) == std::vector<int>{3, 4, -1, -1, -1});
}

TEST_CASE("meetings follow one another in every order of threads") {
  std::vector<int> expected(32, 0);
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 100; ++i)
      expected[static_cast<std::size_t>(lane)] += (i % 3 == 0 ? i % 32 : (lane + 2) % 32) + i;
  const ExecutionOrder before = execution_order();
  for (std::uint32_t seed = 0; seed < 5; ++seed) {
    set_execution_order({.kind = ExecutionOrder::Kind::kShuffled, .seed = seed});
    CHECK(written(many_meetings, 32) == expected);
  }
  set_execution_order(before);
}

}  // namespace bellman::simt
