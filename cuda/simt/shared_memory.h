// The shared memory of the block that runs: its arrays, made when a thread first asks for one.
#pragma once

#include <cstddef>
#include <vector>

#include "cuda/simt/poisoned_memory.h"

namespace bellman::simt::detail {

inline constexpr std::size_t kMaxStaticSharedBytes = 48 * 1024;
inline constexpr std::size_t kMaxSharedBytes = 227 * 1024;  // of a block on compute capability 9.0

class SharedMemory {
 public:
  /// For a new launch: no arrays; the dynamic one will have so many bytes.
  void begin_launch(std::size_t dynamic_bytes);
  /// For a new block: what the one before left is gone.
  void begin_block();

  /// The array that belongs to `declaration`, an address that tells one BELLMAN_SHARED from another. Under
  /// the address sanitizer it is no better aligned than `alignment`, that of its elements, says: on a device,
  /// too, it may be where a float4 cannot. Throws: Error when there is not so much shared memory.
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
