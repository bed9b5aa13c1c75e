#include "core/cpu/thread_pool.h"

#include <atomic>
#include <limits>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "core/cpu/flush_denormals.h"
#include "tests/support/sanitized.h"

namespace bellman::test {
namespace {

TEST_CASE("a pool runs every chunk once, however many there are") {
  for (int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    for (Index chunks : {0, 1, 2, 3, 100}) {
      std::vector<int> runs(static_cast<std::size_t>(chunks), 0);
      std::vector<int> worker_of(runs.size(), -1);
      pool.run(chunks, [&](Index chunk, int worker) {
        ++runs[static_cast<std::size_t>(chunk)];
        worker_of[static_cast<std::size_t>(chunk)] = worker;
      });
      for (std::size_t i = 0; i < runs.size(); ++i) {
        CHECK(runs[i] == 1);
        CHECK(worker_of[i] >= 0);
        CHECK(worker_of[i] < threads);
      }
    }
  }
}

TEST_CASE("a pool sees what the caller wrote, and the caller sees what the pool wrote, run after run") {
  ThreadPool pool(4);
  std::vector<Index> values(16, 0);
  for (Index round = 0; round < 2000; ++round) {
    Index added = round;  // on the stack: gone by the next round
    pool.run(16, [&](Index chunk, int) { values[static_cast<std::size_t>(chunk)] += added; });
  }
  for (Index value : values) CHECK(value == 1999 * 2000 / 2);
}

TEST_CASE("an exception of a chunk reaches the caller, and the pool continues to work") {
  for (int threads : {1, 4}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 20; ++round) {
      CHECK_THROWS_WITH_AS(pool.run(50,
                                    [&](Index chunk, int) {
                                      if (chunk == 7) fail("chunk ", chunk);
                                    }),
                           "chunk 7", Error);
      std::atomic<int> runs = 0;
      pool.run(50, [&](Index, int) { ++runs; });
      CHECK(runs == 50);
    }
  }
}

TEST_CASE("a pool refuses numbers of threads that make no sense") {
  CHECK_THROWS_WITH_AS(ThreadPool(0), "the number of threads is 0 but must be 1 to 1024", Error);
  CHECK_THROWS_AS(ThreadPool(-3), Error);
  CHECK_THROWS_AS(ThreadPool(1025), Error);
}

TEST_CASE("denormal numbers are zero within a run, in every thread, and back afterwards") {
  const float smallest = std::numeric_limits<float>::min();
  const volatile float half = 0.5F;
  const auto denormal = [&] { return smallest * half; };
  REQUIRE(denormal() > 0);
#if defined(BELLMAN_MEMCHECKED)
  MESSAGE("SKIPPED: memcheck's arithmetic keeps denormal numbers");
#elif defined(__SSE2__)
  ThreadPool pool(4);
  std::vector<float> results(4, 1.0F);
  std::atomic<int> arrived = 0;
  pool.run(4, [&](Index chunk, int) {
    for (++arrived; arrived < 4;) std::this_thread::yield();  // so that each thread has one chunk
    results[static_cast<std::size_t>(chunk)] = denormal();
  });
  for (float result : results) CHECK(result == 0);
#endif
  CHECK(denormal() > 0);
}

}  // namespace
}  // namespace bellman::test
