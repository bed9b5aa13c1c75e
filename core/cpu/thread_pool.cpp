#include "core/cpu/thread_pool.h"

#include <system_error>
#include <utility>

#include "core/base/check.h"
#include "core/cpu/flush_denormals.h"

namespace bellman {
namespace {

constexpr int kMaxThreads = 1024;
// Ops follow each other within microseconds: a worker polls this often (about 20 us) before it sleeps, which costs more.
constexpr int kSpins = 1000;

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

template <class T>
void wait_while_equal(const std::atomic<T>& value, T old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  if (threads < 1 || threads > kMaxThreads)
    fail("the number of threads is ", threads, " but must be 1 to ", kMaxThreads);
  workers_.reserve(static_cast<std::size_t>(threads - 1));
  try {
    for (int worker = 1; worker < threads; ++worker) workers_.emplace_back([this, worker] { work(worker); });
  } catch (const std::system_error& error) {
    const std::size_t started = workers_.size();
    stop();
    fail("the system started ", started, " of the ", threads - 1, " workers of ", threads,
         " threads: ", error.what(), " (the setting is threads; the system's limits are ulimit -u and -v)");
  }
  // A starting thread allocates. An empty run waits for every worker, so that nothing allocates later.
  run(threads, [](Index /*chunk*/, int /*worker*/) {});
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() noexcept {
  stopping_.store(true, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void ThreadPool::run(Index chunks, ChunkFunction f) {
  const FlushDenormals flush;
  if (chunks <= 1 || workers_.empty()) {
    for (Index chunk = 0; chunk < chunks; ++chunk) f(chunk, 0);
    return;
  }
  function_ = &f;
  chunks_ = chunks;
  next_.store(0, std::memory_order_relaxed);
  busy_.store(static_cast<std::int32_t>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  take_chunks(0);
  // Every worker, even one that found no chunk left, must be done with function_ before it goes away.
  for (std::int32_t busy = busy_.load(std::memory_order_acquire); busy != 0;
       busy = busy_.load(std::memory_order_acquire))
    wait_while_equal(busy_, busy);
  if (failed_.load(std::memory_order_relaxed)) {
    failed_.store(false, std::memory_order_relaxed);
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
}

void ThreadPool::work(int worker) {
  const FlushDenormals flush;
  for (std::uint32_t seen = 0;; ++seen) {
    wait_while_equal(generation_, seen);
    if (stopping_.load(std::memory_order_relaxed)) return;
    take_chunks(worker);
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
  }
}

void ThreadPool::take_chunks(int worker) noexcept {
  for (;;) {
    const Index chunk = next_.fetch_add(1, std::memory_order_relaxed);
    if (chunk >= chunks_) return;
    try {
      (*function_)(chunk, worker);
    } catch (...) {
      // Only the first to fail writes error_; run() reads it after all have finished.
      if (!failed_.exchange(true, std::memory_order_relaxed)) error_ = std::current_exception();
      next_.store(chunks_, std::memory_order_relaxed);
    }
  }
}

}  // namespace bellman
