#include "cuda/simt/stream.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>

#include "core/check.h"
#include "cuda/simt/device_memory.h"
#include "cuda/simt/executor.h"
#include "cuda/simt/poisoned_memory.h"

namespace bellman::simt {

namespace {

struct LiveStreams {
  std::mutex mutex;
  std::vector<Stream*> streams;
};

LiveStreams& live_streams() {
  static LiveStreams live;
  return live;
}

}  // namespace

Stream::Stream() {
  LiveStreams& live = live_streams();
  const std::lock_guard lock(live.mutex);
  live.streams.push_back(this);
}

Stream::~Stream() {
  run_queue_quietly();
  LiveStreams& live = live_streams();
  const std::lock_guard lock(live.mutex);
  std::erase(live.streams, this);
}

void Stream::copy_to_device(void* to, const void* from, std::size_t bytes) {
  ++counters_.uploads;
  const auto* first = static_cast<const std::byte*>(from);
  queue([to, kept = std::vector<std::byte>(first, first + bytes)] {
    if (!kept.empty()) std::memcpy(to, kept.data(), kept.size());
  });
}

void Stream::copy_to_host(void* to, const void* from, std::size_t bytes) {
  synchronise();
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void Stream::copy_on_device(void* to, const void* from, std::size_t bytes) {
  queue([=] {
    if (bytes > 0) std::memcpy(to, from, bytes);
  });
}

void Stream::synchronise() {
  ++counters_.synchronisations;
  run_queue();
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Stream::launch(detail::KernelLaunch launch) {
  if (detail::Executor::of_this_thread().in_kernel())
    fail(to_string(launch.site), ": launch: within a kernel, in ",
         detail::Executor::of_this_thread().whereabouts());
  check(launch);
  ++counters_.launches;
  queue([launch = std::move(launch)] { detail::Executor::of_this_thread().run(launch); });
}

void Stream::queue(std::function<void()> work) { queue_.push_back(std::move(work)); }

void Stream::run_queue() {
  const std::vector<std::function<void()>> work = std::exchange(queue_, {});
  for (const auto& each : work) each();
}

void Stream::run_queue_quietly() noexcept {
  try {
    run_queue();
  } catch (...) {
    if (!failure_) failure_ = std::current_exception();
  }
}

// ---- memory

void* allocate(std::size_t bytes) {
  try {
    return detail::allocate_poisoned(bytes, 256).release();
  } catch (const std::bad_alloc&) {
    fail("allocate: there is no memory for ", bytes, " bytes");
  }
}

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  {
    LiveStreams& live = live_streams();
    const std::lock_guard lock(live.mutex);
    for (Stream* stream : live.streams) stream->run_queue_quietly();
  }
  detail::FreeMemory()(static_cast<std::byte*>(memory));
}

}  // namespace bellman::simt
