#include "cuda/simt/shared_memory.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "core/base/check.h"
#include "cuda/simt/sanitizers.h"

#if defined(BELLMAN_SIMT_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#endif

namespace bellman::simt::detail {

namespace {
constexpr std::size_t kAlignment = 16;
// The address sanitizer can poison 8 bytes before an array, not 4.
constexpr std::size_t kMisalignment = kAddressSanitizer ? 8 : 0;
const char dynamic_declaration = 0;
}  // namespace

PoisonedMemory allocate_poisoned(std::size_t bytes, std::size_t alignment) {
  if (bytes > std::numeric_limits<std::size_t>::max() - alignment) throw std::bad_alloc();
  // aligned_alloc requires a multiple of the alignment.
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

void SharedMemory::begin_launch(std::size_t dynamic_bytes) {
  arrays_.clear();
  dynamic_bytes_ = dynamic_bytes;
  static_bytes_ = 0;
}

void SharedMemory::begin_block() {
  if (kThreadSanitizer) {  // which would take the last block's accesses for this one's
    arrays_.clear();
    static_bytes_ = 0;
  }
  for (const Array& array : arrays_) poison(array.data(), array.bytes);
}

void* SharedMemory::array(const void* declaration, std::size_t bytes, std::size_t alignment) {
  if (Array* known = find(declaration)) return known->data();
  if (static_bytes_ + bytes > kMaxStaticSharedBytes)
    fail("BELLMAN_SHARED: ", static_bytes_ + bytes, " bytes in one kernel, ", kMaxStaticSharedBytes,
         " is the most");
  if (static_bytes_ + bytes + dynamic_bytes_ > kMaxSharedBytes)
    fail("BELLMAN_SHARED: ", static_bytes_ + bytes, " bytes beside ", dynamic_bytes_, " dynamic ones, ",
         kMaxSharedBytes, " together is the most");
  static_bytes_ += bytes;
  return add(declaration, alignment < kAlignment ? kMisalignment : 0, bytes);
}

void* SharedMemory::dynamic_array() {
  if (Array* known = find(&dynamic_declaration)) return known->data();
  return add(&dynamic_declaration, 0, dynamic_bytes_);
}

SharedMemory::Array* SharedMemory::find(const void* declaration) {
  for (Array& array : arrays_)
    if (array.declaration == declaration) return &array;
  return nullptr;
}

void* SharedMemory::add(const void* declaration, std::size_t offset, std::size_t bytes) {
  arrays_.push_back({declaration, offset, bytes, allocate_poisoned(offset + bytes, kAlignment)});
#if defined(BELLMAN_SIMT_ADDRESS_SANITIZER)
  __asan_poison_memory_region(arrays_.back().memory.get(), offset);
#endif
  return arrays_.back().data();
}

}  // namespace bellman::simt::detail
