// The parts of CUDA's runtime that this project uses, under names that mean the same on a device
// (cuda/device/runtime.h, nvcc) and in the SIMT executor (cuda/simt/runtime.h, host compiler):
//
//   class DeviceMemory    owns one allocation of device memory
//   class Stream          a queue of work on the device. Work runs in order, after the call that queued it has
//                         returned.
//     copy_to_device(to, from, bytes)   has read the host bytes when it returns, and does not wait
//     copy_to_host(to, from, bytes)     waits until the bytes are there: a synchronisation
//     copy_on_device(to, from, bytes), zero(memory, bytes)
//     scratch(bytes)                    device memory for the launches up to the next scratch()
//     synchronise()                     waits until the queue is empty; finish(), for destructors
//     counters()                        launches, uploads, synchronisations so far
//     run_recorded(recording, ops)      see Recording
//   class Recording       a sequence of launches. The first run_recorded records what `ops` launches as a CUDA
//                         graph. Later ones check that the launches are the same, update changed arguments in
//                         the graph, and start it with one call.
//   void launch(stream, kernel, grid, block, shared_bytes, arguments...)
//                         Throws: Error when CUDA refuses the launch.
//   DeviceProperties      name, memory, multiprocessors
//   kDeviceName           the name in --device
//
// Errors of CUDA become bellman::Error with file, line, call and device (BELLMAN_CUDA_CALL).
#pragma once

#include <cstddef>
#include <utility>

#include "cuda/base/dialect.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// 256-byte aligned, not zeroed (in the executor every byte is 0xFF, a NaN or -1). Null for 0 bytes.
/// Throws: Error with the bytes asked for and free.
void* allocate(std::size_t bytes);
/// Waits for all queued work, which may use the memory; the errors of that work stay with its stream.
/// REQUIRES: no other thread uses a stream.
void release(void* memory) noexcept;
/// Bytes that allocate() can still give, roughly.
std::size_t free_memory();

/// Host memory that the device reads and writes directly; as allocate() and release().
void* allocate_pinned(std::size_t bytes);
void release_pinned(void* memory) noexcept;

/// Owns one allocation.
template <void* (*kAllocate)(std::size_t), void (*kRelease)(void*) noexcept>
class OwnedMemory {
 public:
  OwnedMemory() = default;
  explicit OwnedMemory(std::size_t bytes) : data_(kAllocate(bytes)), bytes_(bytes) {}
  OwnedMemory(OwnedMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  OwnedMemory& operator=(OwnedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~OwnedMemory() { kRelease(data_); }

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

using DeviceMemory = OwnedMemory<allocate, release>;
using PinnedMemory = OwnedMemory<allocate_pinned, release_pinned>;

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE

#if defined(BELLMAN_CUDA_DIALECT)
#include "cuda/device/runtime.h"
#else
#include "cuda/simt/runtime.h"
#endif
