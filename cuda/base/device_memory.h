// Memory of the device, or of what the executor takes for one.
#pragma once

#include <cstddef>
#include <utility>

#include "cuda/base/dialect.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// 256-byte aligned, not zeroed (in the executor every byte is 0xFF, a NaN or -1). Null for 0 bytes.
/// Throws: Error with the bytes asked for and free.
void* allocate(std::size_t bytes);
/// Waits for all work that was queued, which may use the memory. What that work complains of is told by its
/// stream. REQUIRES: no other thread is using a stream.
void release(void* memory) noexcept;
/// What allocate() can still give, nearly.
std::size_t free_memory();

/// Memory of the host that the device reads and writes by itself; as allocate() and release().
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
