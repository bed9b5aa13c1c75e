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

/// The memory that this process can still take, and what limits it.
struct AvailableMemory {
  Index bytes = 0;
  std::string limit;  // "the machine's free memory", "the control group's limit", ...
};

/// The smallest of MemAvailable in /proc/meminfo, the rest of this process's control groups' limits (versions
/// 1 and 2; page cache that can be dropped counts as free), and the rest of RLIMIT_AS. Nothing where none is
/// known. /proc and /sys are read below `root`.
std::optional<AvailableMemory> available_memory(const std::filesystem::path& root = "/");

/// Checks before a large allocation, one of at least 1 MiB: a machine that runs out of memory kills processes without a
/// message.
/// Throws: Error with `what`, the bytes it needs and the bytes available, when they are too few.
void check_memory(Index bytes, std::string_view what);

/// a * b, for sizes. Throws: Error that names `what` when one is negative or the product exceeds 2^63 - 1.
Index checked_product(Index a, Index b, std::string_view what);

/// Zeroed memory, aligned to 64 bytes and a multiple of 64 bytes long; never null, not even for 0 bytes.
/// Pages take physical memory only once they are written. The caller frees it with release_host_memory.
/// Throws: Error, with the bytes requested, when there is not enough; from 64 MiB on by check_memory(), since
/// the system overcommits and kills the process that fills the memory.
void* allocate_host_memory(std::size_t bytes);
void release_host_memory(void* memory) noexcept;

/// An array in such memory, zero at first.
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
