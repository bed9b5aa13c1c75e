#include "core/host_memory.h"

#include <cstdlib>
#include <cstring>

#include "core/check.h"
#include "core/check_memory.h"

namespace bellman {

void* allocate_host_memory(std::size_t bytes) {
  constexpr std::size_t kLine = 64;
  constexpr std::size_t kAddressSpace = std::size_t{1} << 47;  // of a process, on x86-64 and AArch64
  constexpr std::size_t kAsked = std::size_t{1} << 26;  // before so much, the system is asked what it has
  void* memory = nullptr;
  if (bytes >= kAsked && bytes < kAddressSpace) check_memory(static_cast<Index>(bytes), "an array");
  if (bytes < kAddressSpace) {
    const std::size_t lines = bytes == 0 ? 1 : (bytes + kLine - 1) / kLine;
    memory = std::aligned_alloc(kLine, lines * kLine);
    if (memory) std::memset(memory, 0, lines * kLine);
  }
  if (!memory) fail("there is no memory for ", bytes, " bytes");
  return memory;
}

void release_host_memory(void* memory) noexcept { std::free(memory); }

}  // namespace bellman
