// Host memory: how much is free, and arrays of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/base/tensor.h"

namespace bellman {

// ---- Whether there is memory for something large, asked before it is allocated: a machine that runs out of
// memory kills processes without a word.

/// The memory that this process can still take, and what sets the limit.
struct AvailableMemory {
  Index bytes = 0;
  std::string limit;  // "the machine's free memory", "the control group's limit", ...
};

/// The smallest of: MemAvailable of /proc/meminfo; what the control groups (version 1 and 2) of this process
/// leave, page cache that can be dropped counted as free; what RLIMIT_AS leaves. Nothing where none of them
/// is known. `root` is where /proc and /sys are looked for.
std::optional<AvailableMemory> available_memory(const std::filesystem::path& root = "/");

/// Throws: Error that names `what`, the bytes it needs and the bytes there are, when there are too few.
void check_memory(Index bytes, std::string_view what);

/// a * b, for sizes. Throws: Error that names `what` when one is negative or the product passes 2^63 - 1.
Index checked_product(Index a, Index b, std::string_view what);

// ---- Memory of the backends that compute on the host, and of the replay there.

/// 64-byte aligned zeroed memory, a whole number of 64-byte lines; never null, not even for 0 bytes. Large
/// memory is zero as the system gives it, and takes none until it is written to. The caller gives it back
/// with release_host_memory. Throws: Error, with the bytes asked for, when there is not enough, by
/// check_memory() for 64 MiB and more: the system would hand it out, and end the process that fills it.
void* allocate_host_memory(std::size_t bytes);
void release_host_memory(void* memory) noexcept;

/// So many numbers, zero at first, of memory as above: those that nobody has written take none.
template <class T>
class HostArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  HostArray() = default;
  /// Throws: Error when memory is short.
  explicit HostArray(std::size_t size)
      : data_(static_cast<T*>(allocate_host_memory(size * sizeof(T)))), size_(size) {}

  std::size_t size() const { return size_; }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }

 private:
  struct Release {
    void operator()(T* memory) const { release_host_memory(memory); }
  };
  std::unique_ptr<T[], Release> data_;
  std::size_t size_ = 0;
};

}  // namespace bellman
