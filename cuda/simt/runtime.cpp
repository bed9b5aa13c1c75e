#include "cuda/simt/runtime.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>

#include "core/base/check.h"
#include "core/base/memory.h"
#include "cuda/simt/executor.h"
#include "cuda/simt/shared_memory.h"

namespace bellman::simt {

std::string describe(const DeviceProperties& properties) {
  return properties.name + ", " + std::to_string(properties.memory_bytes >> 30) + " GiB";
}

DeviceProperties device_properties() {
  const auto pages = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES));
  return {.name = "SIMT executor on the CPU",
          .memory_bytes = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)),
          .multiprocessors = 1,
          .shared_bytes = static_cast<int>(detail::kMaxSharedBytes)};
}

// ---- streams

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
  finish();
  LiveStreams& live = live_streams();
  const std::lock_guard lock(live.mutex);
  std::erase(live.streams, this);
}

// ---- copies

void Stream::copy_to_device(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  refuse_while_recording("upload");
  ++counters_.uploads;
  const auto* first = static_cast<const std::byte*>(from);
  queue([to, kept = std::vector<std::byte>(first, first + bytes)] {
    std::memcpy(to, kept.data(), kept.size());
  });
}

void Stream::copy_to_host(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  refuse_while_recording("download");
  synchronise();
  std::memcpy(to, from, bytes);
}

void Stream::copy_on_device(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  static const char kCopy = 0;
  if (recording_ != nullptr) recording_->push_back({.kernel = &kCopy, .shape = {}, .shared_bytes = bytes});
  queue([=] { std::memcpy(to, from, bytes); });
}

void Stream::zero(void* memory, std::size_t bytes) {
  if (bytes == 0) return;
  refuse_while_recording("allocate");
  queue([=] { std::memset(memory, 0, bytes); });
}

void* Stream::scratch(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  if (scratch_.empty() || scratch_.back().bytes() < bytes)
    scratch_.emplace_back(std::max(bytes, scratch_.empty() ? std::size_t{0} : 2 * scratch_.back().bytes()));
  queue([memory = scratch_.back().data(), size = scratch_.back().bytes()] { detail::poison(memory, size); });
  return scratch_.back().data();
}

// ---- launches and their end

void Stream::launch(detail::KernelLaunch launch) {
  const detail::Executor& executor = detail::Executor::of_this_thread();
  if (executor.in_kernel())
    fail(to_string(launch.site), ": launch: within a kernel, in ", executor.whereabouts());
  check(launch);
  const dim3 &grid = launch.grid, &block = launch.block;
  if (recording_ != nullptr)
    recording_->push_back(
        {launch.kernel, {grid.x, grid.y, grid.z, block.x, block.y, block.z}, launch.shared_bytes});
  else
    ++counters_.launches;
  queue([launch = std::move(launch)] { detail::Executor::of_this_thread().run(launch); });
}

void Stream::synchronise() {
  refuse_while_recording("wait for the device");
  ++counters_.synchronisations;
  finish();
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Stream::finish() noexcept {
  try {
    run_queue();
  } catch (...) {
    if (!failure_) failure_ = std::current_exception();
  }
}

void Stream::queue(std::function<void()> work) { queue_.push_back(std::move(work)); }

void Stream::run_queue() {
  const std::vector<std::function<void()>> work = std::exchange(queue_, {});
  for (const auto& each : work) each();
}

// ---- recordings

namespace {

struct LaunchSequence final : Recording {
  std::vector<detail::RecordedLaunch> launches;
};

}  // namespace

void Stream::refuse_while_recording(const char* what) const {
  if (recording_ != nullptr) fail("a recorded sequence of ops cannot ", what);
}

void Stream::run_recorded(std::unique_ptr<Recording>& recording, const std::function<void()>& ops) {
  refuse_while_recording("record another one");
  auto now = std::make_unique<LaunchSequence>();
  const std::size_t queued = queue_.size();
  recording_ = &now->launches;
  try {
    ops();
  } catch (...) {  // on a device nothing of it has run
    recording_ = nullptr;
    queue_.resize(queued);
    throw;
  }
  recording_ = nullptr;
  const auto* before = static_cast<const LaunchSequence*>(recording.get());
  if (before == nullptr || before->launches != now->launches) {
    recording = std::move(now);
    ++counters_.recordings;
  }
  ++counters_.replays;
}

// ---- memory

namespace {

[[noreturn]] void out_of_memory(std::size_t bytes) {
  const std::optional<AvailableMemory> available = available_memory();
  fail("the device's memory is not enough: ", bytes, " bytes were asked for, ",
       available ? std::to_string(available->bytes) : "an unknown number", " of the machine's are free");
}

/// Every byte is written at once, so an allocation must not exceed the available memory.
void refuse_too_much(std::size_t bytes) {
  constexpr std::size_t kSmall = 1 << 20;
  if (bytes < kSmall) return;
  const std::optional<AvailableMemory> available = available_memory();
  if (available && bytes > static_cast<std::size_t>(available->bytes)) out_of_memory(bytes);
}

}  // namespace

void* allocate(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  refuse_too_much(bytes);
  try {
    return detail::allocate_poisoned(bytes, 256).release();
  } catch (const std::bad_alloc&) {
    out_of_memory(bytes);
  }
}

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  {
    LiveStreams& live = live_streams();
    const std::lock_guard lock(live.mutex);
    for (Stream* stream : live.streams) stream->finish();
  }
  detail::FreeMemory()(static_cast<std::byte*>(memory));
}

std::size_t free_memory() {
  const std::optional<AvailableMemory> available = available_memory();
  return available ? static_cast<std::size_t>(available->bytes) : std::numeric_limits<std::size_t>::max() / 4;
}

void* allocate_pinned(std::size_t bytes) { return allocate(bytes); }
void release_pinned(void* memory) noexcept { release(memory); }

}  // namespace bellman::simt
