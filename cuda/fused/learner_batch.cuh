// FusedLearner: a batch comes from the replay.
#pragma once

#include "cuda/fused/learner.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

template <bool target_shared>
__device__ __forceinline__ float FusedLearner<target_shared>::observed(int i, int first,
                                                                       const std::int32_t* slots) const {
  const int of_s = rows_from(first) * layout_.inputs, j = i < of_s ? i : i - of_s;
  const int n = j / layout_.inputs;
  if (n >= samples_from(first)) return 0.0F;
  std::int32_t slot = slots[first + n];
  if (i >= of_s) slot = work_.replay.next_slot[slot];
  const Index at = static_cast<Index>(slot) * layout_.inputs + (j - n * layout_.inputs);
  return work_.replay.observations ? work_.replay.observations[at]
                                   : static_cast<float>(work_.replay.bytes[at]);
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::place_observed(int i, float number, int first) {
  const int of_s = rows_from(first) * layout_.inputs, j = i < of_s ? i : i - of_s;
  const int n = j / layout_.inputs;
  float* const x = shared_ + (i < of_s ? layout_.s : layout_.next);
  x[n * layout_.input_stride + (j - n * layout_.inputs)] = number;
}

template <bool target_shared>
__device__ __forceinline__ Fetched FusedLearner<target_shared>::fetch_batch(Index step, int first) const {
  const std::int32_t* const slots = work_.slot + step * layout_.batch;
  const int numbers = 2 * rows_from(first) * layout_.inputs;
  Fetched fetched = {};
#pragma unroll
  for (int j = 0; j < Fetched::kNumbers; ++j) {
    const int i = thread_ + j * kFusedThreads;
    fetched.number[j] = i < numbers ? observed(i, first, slots) : 0.0F;
  }
  if (thread_ >= samples_from(first)) return fetched;
  const std::int32_t slot = slots[first + thread_];
  const FusedReplay& replay = work_.replay;
  fetched.action = replay.action[slot];
  fetched.reward = replay.reward[slot];
  fetched.discount = replay.discount[slot] * (1 - replay.terminated[slot]);
  fetched.weight = work_.weight ? work_.weight[step * layout_.batch + first + thread_] : 1.0F;
  return fetched;
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::store_batch(const Fetched& fetched, Index step,
                                                                         int first) {
  const int numbers = 2 * rows_from(first) * layout_.inputs;
#pragma unroll
  for (int j = 0; j < Fetched::kNumbers; ++j) {
    const int i = thread_ + j * kFusedThreads;
    if (i < numbers) place_observed(i, fetched.number[j], first);
  }
  for (int i = thread_ + Fetched::kNumbers * kFusedThreads; i < numbers; i += kFusedThreads)
    place_observed(i, observed(i, first, work_.slot + step * layout_.batch), first);
  sample_ = fetched;
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
