#include "cuda/simt/order.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include "cuda/base/runtime.h"

namespace bellman::simt {
namespace {

using Kind = ExecutionOrder::Kind;

// Threads and blocks note when they came by, before and after a barrier.
__global__ void come_by(int* log, int* count) {
  log[atomicAdd(count, 1)] = static_cast<int>(blockIdx.x * 100 + threadIdx.x);
  __syncthreads();
  log[atomicAdd(count, 1)] = static_cast<int>(blockIdx.x * 100 + threadIdx.x);
}

std::vector<int> sequence_in(const ExecutionOrder& order) {
  const ExecutionOrder before = execution_order();
  set_execution_order(order);
  Stream stream;
  std::vector<int> log(2 * 3 * 10);
  int count = 0;
  launch(stream, come_by, 3, 10, 0, log.data(), &count);
  stream.synchronise();
  set_execution_order(before);
  return log;
}

}  // namespace

TEST_CASE("ascending: as they are numbered") {
  std::vector<int> expected;
  for (const int block : {0, 100, 200})
    for (int time = 0; time < 2; ++time)
      for (int thread = 0; thread < 10; ++thread) expected.push_back(block + thread);
  CHECK(sequence_in({.kind = Kind::kAscending}) == expected);
}

TEST_CASE("descending: the other way, blocks and threads") {
  std::vector<int> expected;
  for (const int block : {200, 100, 0})
    for (int time = 0; time < 2; ++time)
      for (int thread = 9; thread >= 0; --thread) expected.push_back(block + thread);
  CHECK(sequence_in({.kind = Kind::kDescending}) == expected);
}

TEST_CASE("shuffled: each seed another order, the same every time, anew after each barrier") {
  const std::vector<int> one = sequence_in({Kind::kShuffled, 1}), two = sequence_in({Kind::kShuffled, 2});
  CHECK(one == sequence_in({Kind::kShuffled, 1}));
  CHECK(one != two);
  CHECK_FALSE(std::equal(one.begin(), one.begin() + 10, one.begin() + 10));
  for (int group = 0; group < 6; ++group) {  // the threads of one block, each once, then once more
    std::vector<int> threads(one.begin() + 10 * group, one.begin() + 10 * (group + 1));
    std::sort(threads.begin(), threads.end());
    std::vector<int> expected(10);
    std::iota(expected.begin(), expected.end(), threads.front());
    CHECK(threads == expected);
    CHECK(threads.front() % 100 == 0);
  }
}

}  // namespace bellman::simt
