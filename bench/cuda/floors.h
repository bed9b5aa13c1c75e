// This card's times of the smallest operations: a barrier, a round trip to memory. For .cu files.
//
// Each start() queues one kernel that repeats the operation `count` times, one after the other. The time of
// one is the difference of two counts, which excludes the launch and the kernel's setup.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cuda/backend/cuda_backend.h"

namespace bellman::bench {

/// Who synchronises. kBlock: the threads of one block. kCluster: blocks of one cluster. kGrid: all blocks of a launch.
enum class BarrierKind { kBlock, kCluster, kGrid };

class Barrier {
 public:
  /// `size` threads of kBlock, `size` blocks of the others. REQUIRES: the backend outlives it.
  Barrier(cuda::CudaBackend& backend, BarrierKind kind, int size);

  /// Whether this card supports the barrier: clusters need compute capability 9.0, and not every card supports
  /// more than 8 blocks.
  bool exists() const;
  /// Throws: Error when a thread passes before all have arrived.
  void check();
  void start(int count);

 private:
  template <bool kChecked>
  void launch(int count);

  cuda::CudaBackend& backend_;
  BarrierKind kind_;
  int size_;
  Block<float> slots_, early_;  // int32: two for each who meets; how often somebody came through early
};

/// kShared: the reading block's. kOtherShared: that of the cluster's other block. kGlobal: past the L1
/// cache.
enum class MemoryKind { kShared, kOtherShared, kGlobal };

/// One thread follows pointers through `bytes` of memory: a cycle through all of it in random order, so that
/// each read waits for the one before. A chase continues where the last one ended.
class PointerChase {
 public:
  static constexpr std::size_t kMostShared = 32 * 1024;
  /// REQUIRES: the backend outlives it; of shared memory at most kMostShared.
  PointerChase(cuda::CudaBackend& backend, MemoryKind kind, std::size_t bytes);

  bool exists() const;
  /// Throws: Error when the device ends elsewhere than the host.
  void check();
  void start(int count);

 private:
  cuda::CudaBackend& backend_;
  MemoryKind kind_;
  std::vector<std::uint32_t> next_;   // words that hold the next one's place, in bytes
  Block<float> device_next_, place_;  // uint32
};

}  // namespace bellman::bench
