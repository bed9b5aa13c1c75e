// Barriers between blocks, for kernels that only a GPU runs: the executor runs blocks one after the other.
// Clusters need compute capability 9.0. On older devices the launch must not be made, and these functions
// trap.
#pragma once

#include <cooperative_groups.h>

namespace bellman::cuda {

/// All blocks of a cooperative launch.
__device__ inline void sync_grid() { cooperative_groups::this_grid().sync(); }

/// All blocks of this block's cluster.
__device__ inline void sync_cluster() {
#if __CUDA_ARCH__ >= 900
  cooperative_groups::this_cluster().sync();
#else
  __trap();
#endif
}

/// Which of its cluster's blocks this is.
__device__ inline unsigned rank_in_cluster() {
#if __CUDA_ARCH__ >= 900
  return cooperative_groups::this_cluster().block_rank();
#else
  __trap();
  return 0;
#endif
}

/// The address of `shared`, in shared memory, in block `rank` of the cluster. That block must have started
/// and must not have ended: sync_cluster() before the first use and after the last.
template <class T>
__device__ T* shared_of_block(T* shared, unsigned rank) {
#if __CUDA_ARCH__ >= 900
  return cooperative_groups::this_cluster().map_shared_rank(shared, rank);
#else
  __trap();
  return shared;
#endif
}

}  // namespace bellman::cuda
