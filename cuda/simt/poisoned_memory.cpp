#include "cuda/simt/poisoned_memory.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "cuda/simt/sanitizers.h"

#if defined(BELLMAN_SIMT_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#endif

namespace bellman::simt::detail {

PoisonedMemory allocate_poisoned(std::size_t bytes, std::size_t alignment) {
  if (bytes > std::numeric_limits<std::size_t>::max() - alignment) throw std::bad_alloc();
  // aligned_alloc wants a multiple of the alignment; what is too much of it is nobody's.
  const std::size_t rounded = std::max((bytes + alignment - 1) / alignment, std::size_t{1}) * alignment;
  PoisonedMemory memory(static_cast<std::byte*>(std::aligned_alloc(alignment, rounded)));
  if (!memory) throw std::bad_alloc();
  poison(memory.get(), bytes);
#if defined(BELLMAN_SIMT_ADDRESS_SANITIZER)
  __asan_poison_memory_region(memory.get() + bytes, rounded - bytes);
#endif
  return memory;
}

void poison(void* memory, std::size_t bytes) { std::memset(memory, 0xFF, bytes); }

}  // namespace bellman::simt::detail
