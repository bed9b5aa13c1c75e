// The sum-tree, and prioritised replay on it (core/ops/replay_ops.h).

#include <cmath>

#include "cuda/backend/cuda_backend.h"
#include "cuda/base/rounded_double.h"
#include "cuda/base/rows.cuh"
#include "cuda/ops/sum_tree.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

// Weights with their sums: sets leaves, and finds the leaf at a mass (cuda/ops/sum_tree.cuh).

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

void CudaBackend::do_sum_tree_set(DoubleTensor nodes, ConstIntTensor leaf, ConstDoubleTensor weight) {
  const Index leaves = nodes[0] / 2, B = leaf[0];
  if (B == 0) return;
  launch(stream_, sum_tree_set_kernel, dim3(1), dim3(set_leaves_threads(B)), 0, nodes.data(), leaves,
         depth_of(leaves), leaf.data(), weight.data(), B);
}

void CudaBackend::do_sum_tree_find(IntTensor leaf, ConstDoubleTensor nodes, ConstDoubleTensor mass) {
  const Index leaves = nodes[0] / 2, B = leaf[0];
  if (B == 0) return;
  const WarpPerRow size(B);
  launch(stream_, sum_tree_find_kernel, size.grid, size.block, 0, leaf.data(),
         SumTreeView{nodes.data(), leaves, depth_of(leaves)}, mass.data(), B);
}

// Prioritised replay (Schaul et al. 2016): a slot that becomes sampleable gets the largest weight so far, a
// batch is drawn in proportion to the weights, and gets new weights after the learn step
// (core/ops/replay_ops.h). Powers are in double, with the host's bits.

namespace {

/// nodes(2 leaves), max_priority(1), slot(B), added(B). One block.
__global__ void __launch_bounds__(kMostAtOnce)
    prioritized_add_kernel(double* nodes, Index leaves, int depth, const double* max_priority,
                           const std::int32_t* slot, const std::int32_t* added, double alpha, Index B) {
  BELLMAN_SHARED(SetLeavesMemory, memory, [1]);
  const double largest = deterministic_pow(*max_priority, alpha);
  set_leaves(nodes, leaves, depth, B, memory[0], [=](Index n) {
    return LeafWeight{slot[n], added[n] != 0 ? largest : 0.0};
  });
}

/// slot(B), stratified (section 3.3). A warp a draw.
__global__ void __launch_bounds__(kRowThreads)
    draw_kernel(std::int32_t* slot, SumTreeView tree, PrioritizedDraw draw, Index B) {
  const Index n = row_of_warp();
  if (n >= B) return;
  const Index found = find_leaf(tree, stratified_mass(draw, n, B, tree.nodes[1]));
  if (lane_of_thread() == 0) slot[n] = static_cast<std::int32_t>(found);
}

constexpr unsigned kWeightThreads = 512;

/// weight(B) = (least / p_slot)^beta (section 3.4), which is 1 for the least likely. One block.
__global__ void __launch_bounds__(kWeightThreads)
    importance_weights_kernel(float* weight, const std::int32_t* slot, SumTreeView tree, double beta,
                              Index B) {
  BELLMAN_SHARED(double, warps, [kWarp]);
  BELLMAN_SHARED(double, least_of_all, [1]);
  const double* const weights = tree.nodes + tree.leaves;
  double least = weights[slot[0]];
  for (Index n = threadIdx.x; n < B; n += blockDim.x) least = Least{}(least, weights[slot[n]]);
  least = block_reduce(least, warps, Least{});
  if (threadIdx.x == 0) least_of_all[0] = least;
  __syncthreads();
  for (Index n = threadIdx.x; n < B; n += blockDim.x)
    weight[n] = static_cast<float>(deterministic_pow(least_of_all[0] / weights[slot[n]], beta));
}

/// nodes(2 leaves), max_priority(1), slot(B), td_error(B), guard or null. One block.
__global__ void __launch_bounds__(kMostAtOnce)
    prioritized_update_kernel(double* nodes, Index leaves, int depth, double* max_priority,
                              const std::int32_t* slot, const float* td_error, PriorityPower power,
                              const std::int32_t* guard, Index B) {
  if (guard && guard[kHeld] != 0) return;
  BELLMAN_SHARED(SetLeavesMemory, memory, [1]);
  BELLMAN_SHARED(double, warps, [kWarp]);
  double largest = *max_priority;
  set_leaves(nodes, leaves, depth, B, memory[0], [&](Index n) {
    const bool evicted = nodes[leaves + slot[n]] == 0;
    if (evicted || !isfinite(td_error[n])) return LeafWeight{};
    const double priority = fabs(static_cast<double>(td_error[n])) + power.epsilon;
    largest = Largest{}(largest, priority);
    return LeafWeight{slot[n], deterministic_pow(priority, power.alpha)};
  });
  largest = block_reduce(largest, warps, Largest{});
  if (threadIdx.x == 0) *max_priority = largest;
}

}  // namespace

void CudaBackend::do_prioritized_add(DoubleTensor nodes, ConstDoubleTensor max_priority, ConstIntTensor slot,
                                     ConstIntTensor added, double alpha) {
  const Index leaves = nodes[0] / 2, B = slot[0];
  if (B == 0) return;
  launch(stream_, prioritized_add_kernel, dim3(1), dim3(set_leaves_threads(B)), 0, nodes.data(), leaves,
         depth_of(leaves), max_priority.data(), slot.data(), added.data(), alpha, B);
}

void CudaBackend::do_prioritized_sample(IntTensor slot, Out weight, ConstDoubleTensor nodes,
                                        const PrioritizedDraw& draw) {
  const Index leaves = nodes[0] / 2, B = slot[0];
  const SumTreeView tree = {nodes.data(), leaves, depth_of(leaves)};
  const WarpPerRow size(B);
  launch(stream_, draw_kernel, size.grid, size.block, 0, slot.data(), tree, draw, B);
  launch(stream_, importance_weights_kernel, dim3(1), dim3(block_for(B, kWeightThreads)), 0, weight.data(),
         slot.data(), tree, draw.beta, B);
}

void CudaBackend::do_prioritized_update(DoubleTensor nodes, DoubleTensor max_priority, ConstIntTensor slot,
                                        In td_error, const PriorityPower& power, ConstIntTensor guard) {
  const Index leaves = nodes[0] / 2, B = slot[0];
  if (B == 0) return;
  launch(stream_, prioritized_update_kernel, dim3(1), dim3(set_leaves_threads(B)), 0, nodes.data(), leaves,
         depth_of(leaves), max_priority.data(), slot.data(), td_error.data(), power, guard.data(), B);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
