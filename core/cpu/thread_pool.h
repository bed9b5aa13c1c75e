// Threads that share the chunks of one op. Chunks never depend on the number of threads, and so results do not either: which
// thread computes a chunk is left to chance, what it computes is not.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <type_traits>
#include <vector>

#include "core/base/tensor.h"

namespace bellman {

/// A reference to something callable as f(chunk, worker), of any type, without std::function's allocation.
/// The callable must outlive it.
class ChunkFunction {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, ChunkFunction>) ChunkFunction(F&& f)  // NOLINT
      : object_(&f), call_([](const void* object, Index chunk, int worker) {
          (*static_cast<std::remove_reference_t<F>*>(const_cast<void*>(object)))(chunk, worker);
        }) {}
  void operator()(Index chunk, int worker) const { call_(object_, chunk, worker); }

 private:
  const void* object_;
  void (*call_)(const void*, Index, int);
};

/// threads - 1 workers that sleep between calls, and the caller. One caller at a time.
class ThreadPool {
 public:
  /// Throws: Error for fewer than 1 or more than 1024 threads, or when the system refuses to start them.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }
  /// Calls f(chunk, worker) once for each chunk 0 .. chunks-1 and returns when all are done; `worker` is
  /// 0 .. threads()-1 and names the thread, for memory of its own. A single chunk runs in the calling thread.
  /// While f runs, denormal numbers are taken for zero (flush_denormals.h). Allocates nothing.
  /// Throws: the first exception of f; chunks that have not begun are skipped.
  void run(Index chunks, ChunkFunction f);

 private:
  void work(int worker);
  void take_chunks(int worker) noexcept;
  void stop() noexcept;

  // The current run: written by run() before it increments `generation_`, read by workers after.
  const ChunkFunction* function_ = nullptr;
  Index chunks_ = 0;
  std::exception_ptr error_;

  std::atomic<std::uint32_t> generation_{0};  // one more for each run; workers wait for it to change
  std::atomic<Index> next_{0};                // the next free chunk
  std::atomic<std::int32_t> busy_{0};         // workers that have not finished this generation
  std::atomic<bool> failed_{false};
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> workers_;
};

}  // namespace bellman

// How ops divide their work: into chunks whose borders depend on sizes alone, large enough to be worth waking a thread (some
// 10 us).
namespace bellman::cpu {

/// Elements a chunk of an op that reads, adds and writes.
inline constexpr Index kCheapElements = Index{1} << 16;
/// Elements a chunk of an op that divides, takes roots or exponentials.
inline constexpr Index kCostlyElements = Index{1} << 14;
/// Multiply-adds below which a product is not worth dividing.
inline constexpr Index kSmallProduct = Index{1} << 20;

/// Samples that make a chunk of kSmallProduct multiply-adds.
constexpr Index samples_a_chunk(Index multiply_adds) {
  return std::max(Index{1}, kSmallProduct / std::max(Index{1}, multiply_adds));
}

/// f(begin, count) or f(begin, count, worker) for each `chunk` of 0 .. n-1; the last may be smaller.
template <class F>
void for_each_chunk(ThreadPool& pool, Index n, Index chunk, const F& f) {
  pool.run((n + chunk - 1) / chunk, [&](Index i, [[maybe_unused]] int worker) {
    const Index begin = i * chunk, count = std::min(chunk, n - begin);
    if constexpr (std::is_invocable_v<F, Index, Index, int>)
      f(begin, count, worker);
    else
      f(begin, count);
  });
}

}  // namespace bellman::cpu
