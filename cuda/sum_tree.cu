// Weights with their sums: sets leaves, and finds the leaf at a mass. How: cuda/sum_tree.cuh.

#include "cuda/sum_tree.cuh"

#include "cuda/ops.h"
#include "cuda/rows.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

/// nodes(2 leaves), leaf(B), weight(B). One block.
__global__ void __launch_bounds__(kMostAtOnce)
    sum_tree_set_kernel(double* nodes, Index leaves, int depth, const std::int32_t* leaf,
                        const double* weight, Index B) {
  BELLMAN_SHARED(SetLeavesMemory, memory, [1]);
  set_leaves(nodes, leaves, depth, B, memory[0], [=](Index n) { return LeafWeight{leaf[n], weight[n]}; });
}

/// leaf(B), mass(B). A warp a mass.
__global__ void __launch_bounds__(kRowThreads)
    sum_tree_find_kernel(std::int32_t* leaf, SumTreeView tree, const double* mass, Index B) {
  const Index n = row_of_warp();
  if (n >= B) return;
  const Index found = find_leaf(tree, mass[n]);
  if (lane_of_thread() == 0) leaf[n] = static_cast<std::int32_t>(found);
}

}  // namespace

void sum_tree_set(Stream& stream, DoubleTensor nodes, ConstIntTensor leaf, ConstDoubleTensor weight) {
  const Index leaves = nodes[0] / 2, B = leaf[0];
  if (B == 0) return;
  launch(stream, sum_tree_set_kernel, dim3(1), dim3(set_leaves_threads(B)), 0, nodes.data(), leaves,
         depth_of(leaves), leaf.data(), weight.data(), B);
}

void sum_tree_find(Stream& stream, IntTensor leaf, ConstDoubleTensor nodes, ConstDoubleTensor mass) {
  const Index leaves = nodes[0] / 2, B = leaf[0];
  if (B == 0) return;
  const WarpPerRow size(B);
  launch(stream, sum_tree_find_kernel, size.grid, size.block, 0, leaf.data(),
         SumTreeView{nodes.data(), leaves, depth_of(leaves)}, mass.data(), B);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
