// Memory of the executor's device: allocations that show what is wrong with their use, and the shared memory
// of the block that runs.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

namespace bellman::simt::detail {

struct FreeMemory {
  void operator()(std::byte* memory) const { std::free(memory); }
};
using PoisonedMemory = std::unique_ptr<std::byte, FreeMemory>;

/// Exactly `bytes` bytes, poisoned. The address is a multiple of `alignment`, a power of two of at least 16.
/// The address sanitizer reports accesses beyond the last byte. Throws: std::bad_alloc.
PoisonedMemory allocate_poisoned(std::size_t bytes, std::size_t alignment);

/// 0xFF in every byte, a NaN as float or double and -1 as an integer: a kernel that reads what no thread has
/// written then gives a wrong result.
void poison(void* memory, std::size_t bytes);

inline constexpr std::size_t kMaxStaticSharedBytes = 48 * 1024;
inline constexpr std::size_t kMaxSharedBytes = 227 * 1024;  // of a block on compute capability 9.0

class SharedMemory {
 public:
  /// For a new launch: no arrays; the dynamic one will have `dynamic_bytes`.
  void begin_launch(std::size_t dynamic_bytes);
  /// For a new block: poisons what the one before has written.
  void begin_block();

  /// The array of `declaration`, the address that identifies a BELLMAN_SHARED; made by the first thread that
  /// asks for it. Under the address sanitizer it is aligned to its elements' `alignment` and no better: on a
  /// device, too, it may lie where a float4 cannot. Throws: Error when there is not so much shared memory.
  void* array(const void* declaration, std::size_t bytes, std::size_t alignment);
  void* dynamic_array();

 private:
  struct Array {
    const void* declaration;
    std::size_t offset;  // of the array in its memory
    std::size_t bytes;
    PoisonedMemory memory;
    void* data() const { return memory.get() + offset; }
  };

  Array* find(const void* declaration);
  void* add(const void* declaration, std::size_t offset, std::size_t bytes);

  std::vector<Array> arrays_;
  std::size_t dynamic_bytes_ = 0;
  std::size_t static_bytes_ = 0;
};

}  // namespace bellman::simt::detail
