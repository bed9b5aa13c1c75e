// Host memory that stands for a device's: exactly as many bytes as asked for, and filled with what shows when
// a kernel reads it before anybody wrote it: 0xFF in every byte, a NaN as float or double and -1 as an
// integer.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace bellman::simt::detail {

struct FreeMemory {
  void operator()(std::byte* memory) const { std::free(memory); }
};
using PoisonedMemory = std::unique_ptr<std::byte, FreeMemory>;

/// The address is a multiple of `alignment`, a power of two of at least 16. The address sanitizer reports
/// accesses beyond the last byte. Throws: std::bad_alloc.
PoisonedMemory allocate_poisoned(std::size_t bytes, std::size_t alignment);

void poison(void* memory, std::size_t bytes);

}  // namespace bellman::simt::detail
