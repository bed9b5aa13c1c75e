#include "core/base/host_memory.h"

#include <cstdint>
#include <cstdlib>

#include "core/base/check.h"
#include "core/base/check_memory.h"

namespace bellman {
namespace {

constexpr std::size_t kLine = 64;

}  // namespace

void* allocate_host_memory(std::size_t bytes) {
  constexpr std::size_t kAddressSpace = std::size_t{1} << 47;  // of a process, on x86-64 and AArch64
  constexpr std::size_t kAsked = std::size_t{1} << 26;  // before so much, the system is asked what it has
  void* memory = nullptr;
  if (bytes >= kAsked && bytes < kAddressSpace) check_memory(static_cast<Index>(bytes), "an array");
  if (bytes < kAddressSpace) {
    const std::size_t lines = bytes == 0 ? 1 : (bytes + kLine - 1) / kLine;
    memory = std::calloc(lines + 1, kLine);  // fresh pages are zero, and stay untouched; aligned_alloc's not
  }
  if (!memory) fail("there is no memory for ", bytes, " bytes");
  // The first line after the block's begin; what calloc gave stands before it. Blocks begin at multiples of
  // 16, so there is room.
  static_assert(alignof(std::max_align_t) >= sizeof(void*));
  const std::uintptr_t line = (reinterpret_cast<std::uintptr_t>(memory) + kLine) / kLine * kLine;
  void** const aligned = reinterpret_cast<void**>(line);
  aligned[-1] = memory;
  return aligned;
}

void release_host_memory(void* memory) noexcept {
  if (memory) std::free(static_cast<void**>(memory)[-1]);
}

}  // namespace bellman
