// FusedLearner: what a kernel that does more than learn asks it for between two steps.
#pragma once

#include "cuda/fused/learner.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

template <bool target_shared>
template <class Observed>
__device__ __forceinline__ void FusedLearner<target_shared>::act(int samples, Observed observed) {
  const int rows = (samples + 3) / 4 * 4, numbers = rows * layout_.inputs;
  for (int i = thread_; i < numbers; i += kFusedThreads) {
    const int n = i / layout_.inputs, column = i - n * layout_.inputs;
    shared_[layout_.s + n * layout_.input_stride + column] = n < samples ? observed(n, column) : 0.0F;
  }
  __syncthreads();  // the observations are there
  for (int l = 0; l < layout_.layers; ++l) {
    const FusedLayer& layer = layout_.layer[l];
    Turns turns;
    run_product(forward_product(layer, layout_.s, layout_.s, online_, rows, layer.act_split), turns);
    __syncthreads();  // the layer's output is there
  }
}

template <bool target_shared>
__device__ __forceinline__ QRow FusedLearner<target_shared>::q_values(int n) const {
  const FusedLayer& head = layout_.layer[layout_.layers - 1];
  return QRow(shared_ + layout_.s + head.x + n * head.out_stride, layout_);
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::sync_target(float tau) {
  for (int i = thread_; i < layout_.parameters; i += kFusedThreads)
    target_numbers()[i] = tau == 1 ? online_[i] : tau * online_[i] + (1 - tau) * target_numbers()[i];
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::put_online(float* arena) const {
  for_each_parameter([this, arena](int to, int from) { arena[to] = online_[from]; });
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::take_online(const float* arena) {
  for_each_parameter([this, arena](int from, int to) { online_[to] = arena[from]; });
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
