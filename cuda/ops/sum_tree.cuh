// The sum-tree on the device: nodes(2 L) of a complete binary tree, in double. The root is node 1, the children
// of node i are 2 i and 2 i + 1, and the leaves are L .. 2 L - 1 (core/ops/replay_ops.h). The numbers are the
// same as on the host, bit for bit.
//
// A walk from node to node would wait for memory at each of the log2 L levels. A warp takes five levels at a
// time. Its lanes load the 32 descendants five levels below a node, which lie side by side. They add them in
// pairs, then in pairs of pairs: the same additions, left + right, that made the inner nodes in memory. With
// those sums in registers the warp walks down the five levels (find_leaf), or writes them to the nodes in
// between (set_leaves). With 2^20 leaves that is four rounds instead of twenty. If log2 L is no multiple of 5,
// the round at the top is shorter.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "core/base/tensor.h"
#include "cuda/base/reduce.cuh"
#include "cuda/base/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

inline constexpr int kLevelsAtOnce = 5;  // 2^5 lanes

struct SumTreeView {
  const double* nodes;
  Index leaves;  // 2^depth
  int depth;
};

inline int depth_of(Index leaves) { return std::countr_zero(static_cast<std::uint64_t>(leaves)); }

/// The leaf to which `mass` leads: left when mass < left or right == 0, otherwise right with mass - left. The
/// same in every lane. REQUIRES: all lanes of the warp call it, with the same mass.
__device__ inline Index find_leaf(const SumTreeView& tree, double mass) {
  const int lane = static_cast<int>(threadIdx.x % kWarp);
  mass = mass < 0 ? 0 : mass;
  Index node = 1;
  int levels = tree.depth % kLevelsAtOnce;
  if (levels == 0) levels = kLevelsAtOnce;
  for (int done = 0; done < tree.depth; done += levels, levels = kLevelsAtOnce) {
    // sums[h]: the sum of this lane's ancestor h levels above the loaded nodes. positive[h]: a bit for each
    // lane, set where that sum is more than 0.
    double sums[kLevelsAtOnce];
    unsigned positive[kLevelsAtOnce];
    double sum = lane < 1 << levels ? tree.nodes[(node << levels) + lane] : 0.0;
#pragma unroll
    for (int h = 0; h < kLevelsAtOnce; ++h) {
      sums[h] = sum;
      positive[h] = __ballot_sync(kAllLanes, sum > 0);
      sum += __shfl_xor_sync(kAllLanes, sum, 1 << h);
    }
    int first = 0;  // lane of the leftmost descendant of the current node
#pragma unroll
    for (int h = kLevelsAtOnce - 1; h >= 0; --h) {
      if (h >= levels) continue;
      const double left = __shfl_sync(kAllLanes, sums[h], first);
      const int right = first + (1 << h);
      if (mass < left || (positive[h] >> right & 1U) == 0) continue;
      mass -= left;
      first = right;
    }
    node = (node << levels) + first;
  }
  return node - tree.leaves;
}

/// Writes the sums of `levels` levels from `top` down, from the nodes below them. REQUIRES: as find_leaf.
__device__ inline void add_up_below(double* nodes, Index top, int levels) {
  const int lane = static_cast<int>(threadIdx.x % kWarp);
  const Index below = (top << levels) + lane;
  double sum = lane < 1 << levels ? nodes[below] : 0.0;
#pragma unroll
  for (int h = 1; h <= kLevelsAtOnce; ++h) {
    sum += __shfl_xor_sync(kAllLanes, sum, 1 << (h - 1));
    if (h <= levels && lane < 1 << levels && lane % (1 << h) == 0) nodes[below >> h] = sum;
  }
}

/// A leaf and its new weight; leaf -1: none.
struct LeafWeight {
  std::int32_t leaf = -1;
  double weight = 0;
};

/// Shared memory of set_leaves.
inline constexpr int kMostAtOnce = 1024;
struct SetLeavesMemory {
  std::int32_t given[kMostAtOnce];
  std::int32_t sorted[kMostAtOnce];  // -1 last
};

/// Sorts the leaves of the first `count` threads by counting how many come before each. That takes `count`
/// comparisons a thread and one barrier, fast enough for a batch of tens to hundreds. True for the last thread
/// of those with the same leaf. One block; memory.sorted is complete after the next barrier.
__device__ inline bool sort_leaves(SetLeavesMemory& memory, std::int32_t leaf, int count) {
  const int thread = static_cast<int>(threadIdx.x);
  constexpr std::int32_t kNone = 0x7fffffff;  // beyond all leaves
  const std::int32_t own = leaf < 0 ? kNone : leaf;
  if (thread < count) memory.given[thread] = own;
  __syncthreads();
  bool last = leaf >= 0;
  if (thread < count) {
    int rank = 0;
    for (int other = 0; other < count; ++other) {
      const std::int32_t theirs = memory.given[other];
      if (theirs < own || (theirs == own && other < thread)) ++rank;
      if (theirs == own && other > thread) last = false;
    }
    memory.sorted[rank] = leaf;
  }
  return last;
}

/// Recomputes all sums above the first `count` sorted leaves. Only the warp of the first leaf below a node writes
/// it. One block; ends with a barrier.
__device__ inline void add_up_above(double* nodes, Index leaves, int depth, const std::int32_t* sorted,
                                    int count) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp, warps = static_cast<int>(blockDim.x) / kWarp;
  for (int done = 0; done < depth;) {
    const int levels = depth - done < kLevelsAtOnce ? depth - done : kLevelsAtOnce;
    done += levels;
    for (int i = warp; i < count; i += warps) {
      const std::int32_t leaf = sorted[i];
      if (leaf < 0) break;
      if (i == 0 || sorted[i - 1] >> done != leaf >> done)
        add_up_below(nodes, (leaves + leaf) >> done, levels);
    }
    __syncthreads();
  }
}

/// Sets the leaf that given(n) names, for 0 <= n < count; the last weight of a leaf wins. Then recomputes
/// every sum above them. given(n) may read the tree's leaves, but those of the 1023 before n may not be set yet.
/// REQUIRES: one block of set_leaves_threads(count) threads; all of them call it; the sums in nodes(2 leaves) are
/// right.
template <class Given>
__device__ void set_leaves(double* nodes, Index leaves, int depth, Index count, SetLeavesMemory& memory,
                           Given given) {
  const int thread = static_cast<int>(threadIdx.x), threads = static_cast<int>(blockDim.x);
  for (Index begin = 0; begin < count; begin += threads) {
    const int n = static_cast<int>(count - begin < threads ? count - begin : threads);
    LeafWeight own;
    if (thread < n) own = given(begin + thread);
    const bool last = sort_leaves(memory, own.leaf, n);
    if (last) nodes[leaves + own.leaf] = own.weight;
    __syncthreads();
    add_up_above(nodes, leaves, depth, memory.sorted, n);
  }
}

/// A warp for each leaf, up to 32 warps.
inline unsigned set_leaves_threads(Index count) {
  return static_cast<unsigned>(std::min(count, Index{kMostAtOnce / kWarp}) * kWarp);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
