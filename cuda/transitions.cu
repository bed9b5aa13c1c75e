// Transitions in and out of a replay memory, apart from their observations (core/replay_ops.h): a thread a
// transition.

#include "cuda/ops.h"
#include "cuda/rows.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

/// The arrays of TransitionTensors, without their shapes.
struct Transitions {
  explicit Transitions(const TransitionTensors& tensors)
      : action(tensors.action.data()),
        next_slot(tensors.next_slot.data()),
        reward(tensors.reward.data()),
        discount(tensors.discount.data()),
        terminated(tensors.terminated.data()) {}

  __device__ void copy(Index i, const Transitions& from, Index j) const {
    action[i] = from.action[j];
    next_slot[i] = from.next_slot[j];
    reward[i] = from.reward[j];
    discount[i] = from.discount[j];
    terminated[i] = from.terminated[j];
  }

  std::int32_t *action, *next_slot;
  float *reward, *discount, *terminated;
};

__global__ void __launch_bounds__(kRowThreads)
    gather_transitions_kernel(Transitions batch, Transitions memory, const std::int32_t* slot, Index B) {
  const Index n = row_of_thread();
  if (n < B) batch.copy(n, memory, slot[n]);
}

__global__ void __launch_bounds__(kRowThreads)
    scatter_transitions_kernel(Transitions memory, Transitions batch, const std::int32_t* slot, Index B) {
  const Index n = row_of_thread();
  if (n < B) memory.copy(slot[n], batch, n);
}

}  // namespace

void gather_transitions(Stream& stream, const TransitionTensors& batch, const TransitionTensors& memory,
                        ConstIntTensor slot) {
  if (slot[0] == 0) return;
  const ThreadPerRow size(slot[0]);
  launch(stream, gather_transitions_kernel, size.grid, size.block, 0, Transitions(batch), Transitions(memory),
         slot.data(), slot[0]);
}

void scatter_transitions(Stream& stream, const TransitionTensors& memory, const TransitionTensors& batch,
                         ConstIntTensor slot) {
  if (slot[0] == 0) return;
  const ThreadPerRow size(slot[0]);
  launch(stream, scatter_transitions_kernel, size.grid, size.block, 0, Transitions(memory),
         Transitions(batch), slot.data(), slot[0]);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
