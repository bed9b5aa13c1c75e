#include "cuda/simt/executor.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "cuda/base/runtime.h"
#include "tests/support/error_message.h"

namespace bellman::simt {
namespace {

using bellman::test::contains;
using bellman::test::error_message;

/// Numbers in the memory of the device.
template <class T>
class Numbers {
 public:
  explicit Numbers(std::size_t size) : memory_(size * sizeof(T)), size_(size) {}
  T* data() const { return static_cast<T*>(memory_.data()); }
  std::vector<T> values(Stream& stream) const {
    std::vector<T> host(size_);
    stream.copy_to_host(host.data(), memory_.data(), memory_.bytes());
    return host;
  }

 private:
  DeviceMemory memory_;
  std::size_t size_;
};

__global__ void write_indices(int* y) {
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  y[block * blockDim.x * blockDim.y * blockDim.z + thread] =
      static_cast<int>(threadIdx.x + 10 * threadIdx.y + 100 * threadIdx.z + 1000 * blockIdx.x +
                       10000 * blockIdx.y + 100000 * blockIdx.z);
}

// y[i] = x[n - 1 - i] by way of static shared memory.
__global__ void reverse(int* y, int n) {
  BELLMAN_SHARED(int, t, [1024]);
  t[threadIdx.x] = static_cast<int>(blockIdx.x * 10000 + threadIdx.x);
  __syncthreads();
  y[blockIdx.x * blockDim.x + threadIdx.x] = t[n - 1 - static_cast<int>(threadIdx.x)];
}

// Each thread makes as many steps as its number between two barriers.
__global__ void uneven_work(int* y) {
  BELLMAN_DYNAMIC_SHARED(int, t);
  t[threadIdx.x] = 0;
  for (unsigned step = 0; step < threadIdx.x; ++step) ++t[threadIdx.x];
  __syncthreads();
  int sum = 0;
  for (unsigned other = 0; other < blockDim.x; ++other) sum += t[other];
  __syncthreads();
  t[threadIdx.x] = sum;
  __syncthreads();
  y[threadIdx.x] = t[(threadIdx.x + 1) % blockDim.x];
}

template <int kValue>
__global__ void shared_of_a_template(int* y) {
  BELLMAN_SHARED(int, t, [1]);
  if (threadIdx.x == 0) t[0] = kValue;
  __syncthreads();
  y[threadIdx.x] = t[0];
}

// What is in shared memory before anybody wrote it, block by block.
__global__ void leave_behind(int* y) {
  BELLMAN_SHARED(int, fixed, [4]);
  BELLMAN_DYNAMIC_SHARED(int, sized);
  y[2 * blockIdx.x] = fixed[3];
  y[2 * blockIdx.x + 1] = sized[3];
  fixed[3] = sized[3] = 7;
}

__global__ void half_waits() {
  if (threadIdx.x < 2) __syncthreads();
}
__global__ void two_barriers() {
  if (threadIdx.y == 0)
    __syncthreads();
  else
    __syncthreads();
}
__global__ void too_much_static() {
  BELLMAN_SHARED(double, t, [7000]);
  t[0] = 0;
}
__global__ void complain(int x) {
  if (threadIdx.x == 3) fail("x is ", x);
  __syncthreads();
}
__global__ void launch_another(Stream* stream) { launch(*stream, half_waits, 1, 1, 0); }

struct OnTheWayOut {
  int* count;
  ~OnTheWayOut() { atomicAdd(count, 1); }
};
__global__ void wait_with_something_to_destroy(int* count) {
  const OnTheWayOut way_out{count};
  if (threadIdx.x > 0) __syncthreads();
}

}  // namespace

TEST_CASE("indices run over three dimensions of blocks and threads, x fastest") {
  Stream stream;
  const Numbers<int> y(2 * 3 * 2 * 3 * 2 * 4);
  launch(stream, write_indices, dim3(2, 3, 2), dim3(3, 2, 4), 0, y.data());
  const std::vector<int> values = y.values(stream);
  CHECK(values.front() == 0);
  CHECK(values[1] == 1);
  CHECK(values[3] == 10);
  CHECK(values[6] == 100);
  CHECK(values[24] == 1000);
  CHECK(values[48] == 10000);
  CHECK(values.back() == 121312);
}

TEST_CASE("a barrier separates what is before it from what is after it") {
  Stream stream;
  for (const int n : {1, 2, 31, 32, 33, 64, 1000, 1024}) {
    const Numbers<int> y(static_cast<std::size_t>(3 * n));
    launch(stream, reverse, 3, static_cast<unsigned>(n), 0, y.data(), n);
    const std::vector<int> values = y.values(stream);
    for (int i = 0; i < 3 * n; ++i)
      CHECK(values[static_cast<std::size_t>(i)] == 10000 * (i / n) + n - 1 - i % n);
  }
}

TEST_CASE("threads that have more to do are waited for") {
  Stream stream;
  const Numbers<int> y(100);
  launch(stream, uneven_work, 1, 100, 100 * sizeof(int), y.data());
  CHECK(y.values(stream) == std::vector<int>(100, 99 * 100 / 2));
}

TEST_CASE("each instance of a template has shared memory of its own") {
  Stream stream;
  const Numbers<int> a(2), b(2);
  launch(stream, shared_of_a_template<1>, 1, 2, 0, a.data());
  launch(stream, shared_of_a_template<2>, 1, 2, 0, b.data());
  CHECK(a.values(stream) == std::vector<int>{1, 1});
  CHECK(b.values(stream) == std::vector<int>{2, 2});
}

TEST_CASE("shared memory is poison at the start of each block") {
  Stream stream;
  const Numbers<int> y(6);
  launch(stream, leave_behind, 3, 1, 4 * sizeof(int), y.data());
  CHECK(y.values(stream) == std::vector<int>(6, -1));
}

TEST_CASE("a deadlocked block reports who waits where") {
  Stream stream;
  launch(stream, half_waits, dim3(2, 2), 5, 0);
  const std::string message = error_message([&] { stream.synchronise(); });
  CHECK(contains(message, "executor_test.cpp:"));
  CHECK(contains(message, "block (0,0,0) of the kernel launched here is deadlocked"));
  CHECK(contains(message, "2 threads wait at __syncthreads"));
  CHECK(contains(message, "3 threads have returned, the first is (2,0,0)"));

  launch(stream, two_barriers, 1, dim3(4, 2), 0);
  const std::string other = error_message([&] { stream.synchronise(); });
  CHECK(contains(other, "4 threads wait at __syncthreads"));
  CHECK(contains(other, "the first is (0,1,0)"));
}

TEST_CASE("what a kernel throws arrives with the thread that threw it") {
  Stream stream;
  launch(stream, complain, 2, 8, 0, 17);
  const std::string message = error_message([&] { stream.synchronise(); });
  CHECK(contains(message, "in thread (3,0,0) of block (0,0,0)"));
  CHECK(contains(message, "x is 17"));
}

TEST_CASE("after an error the executor runs other kernels") {
  Stream stream;
  const Numbers<int> y(64);
  for (int i = 0; i < 3; ++i) {
    launch(stream, half_waits, 1, 64, 0);
    CHECK_THROWS_AS(stream.synchronise(), Error);
    launch(stream, reverse, 1, 64, 0, y.data(), 64);
    CHECK(y.values(stream)[0] == 63);
  }
}

TEST_CASE("threads of a deadlocked block are unwound") {
  Stream stream;
  int count = 0;  // the host's memory is the device's here
  launch(stream, wait_with_something_to_destroy, 1, 40, 0, &count);
  CHECK_THROWS_AS(stream.synchronise(), Error);
  CHECK(count == 40);
}

TEST_CASE("launches that no device accepts are refused with their values") {
  Stream stream;
  const auto message = [&](const dim3& grid, const dim3& block, std::size_t shared_bytes) {
    return error_message([&] { launch(stream, half_waits, grid, block, shared_bytes); });
  };
  CHECK(contains(message(1, 0, 0), "executor_test.cpp:"));
  CHECK(contains(message(1, 0, 0), "the block is (0,1,1)"));
  CHECK(contains(message(1, 1025, 0), "the block is (1025,1,1)"));
  CHECK(contains(message(1, dim3(1, 1, 65), 0), "the block is (1,1,65)"));
  CHECK(contains(message(1, dim3(32, 33), 0), "has 1056 threads, 1024 is the most"));
  CHECK(contains(message(0, 1, 0), "the grid is (0,1,1)"));
  CHECK(contains(message(dim3(1, 65536), 1, 0), "the grid is (1,65536,1)"));
  CHECK(contains(message(1, 1, 227 * 1024 + 1), "232449 bytes of shared memory, 232448 is the most"));
  CHECK(message(1, 1, 227 * 1024) == "no error");
  CHECK(message(1, dim3(16, 1, 64), 0) == "no error");
  stream.finish();
}

TEST_CASE("there are 48 KiB of static shared memory") {
  Stream stream;
  launch(stream, too_much_static, 1, 1, 0);
  CHECK(
      contains(error_message([&] { stream.synchronise(); }), "56000 bytes in one kernel, 49152 is the most"));
}

TEST_CASE("a kernel launches no kernel") {
  Stream stream;
  launch(stream, launch_another, 1, 2, 0, &stream);
  CHECK(contains(error_message([&] { stream.synchronise(); }), "launch: within a kernel"));
}

TEST_CASE("outside of kernels no thread waits for another") {
  CHECK(contains(error_message([] { __syncthreads(); }), "__syncthreads outside a kernel"));
  CHECK(contains(error_message([] { __syncwarp(); }), "__syncwarp outside a kernel"));
  CHECK(contains(error_message([] { __shfl_sync(1, 1, 0); }), "__shfl_sync outside a kernel"));
  CHECK(contains(error_message([] {
                   BELLMAN_SHARED(int, t, [1]);
                   t[0] = 1;
                 }),
                 "BELLMAN_SHARED outside a kernel"));
}

}  // namespace bellman::simt
