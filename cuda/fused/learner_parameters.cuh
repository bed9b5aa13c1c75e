// FusedLearner: parameters and moments, between the arenas and the block, and their update.
#pragma once

#include "cuda/fused/learner.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::clear() {
  for (int i = thread_; i < layout_.shared_bytes / 16; i += kFusedThreads)
    four(shared_ + 4 * i) = float4{0.0F, 0.0F, 0.0F, 0.0F};
  for (int i = thread_; i < layout_.parameters; i += kFusedThreads) {
    if constexpr (!target_shared) target_numbers()[i] = 0.0F;
    if (layout_.place != FusedPlace::kAllShared) first_moments()[i] = second_moments()[i] = 0.0F;
  }
}

template <bool target_shared>
template <class F>
__device__ __forceinline__ void FusedLearner<target_shared>::for_each_parameter(F f) const {
  for (int t = 0; t < layout_.tensors; ++t) {
    const FusedTensor& tensor = layout_.tensor[t];
    for (int i = thread_; i < tensor.rows * tensor.columns; i += kFusedThreads) {
      const int row = i / tensor.columns;
      f(tensor.arena + i, tensor.place + row * tensor.stride + (i - row * tensor.columns));
    }
  }
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::load() {
  for_each_parameter([this](int from, int to) {
    online_[to] = work_.online[from];
    target_numbers()[to] = work_.target[from];
    first_moments()[to] = work_.m[from];
    second_moments()[to] = work_.v[from];
  });
  const std::int32_t* const guard = work_.guard;
  held_ = guard[kHeld] != 0;
  skipped_ = guard[kSkipped];
  overflowed_ = guard[kOverflowed] != 0;
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::store(bool target_changed) const {
  for_each_parameter([this, target_changed](int to, int from) {
    work_.online[to] = online_[from];
    work_.m[to] = first_moments()[from];
    work_.v[to] = second_moments()[from];
    if (target_changed) work_.target[to] = target_numbers()[from];
  });
  if (thread_ != 0) return;
  work_.guard[kHeld] = held_;
  work_.guard[kSkipped] = skipped_;
  work_.guard[kOverflowed] = overflowed_;
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::put_gradients() const {
  for_each_parameter([this](int to, int from) { work_.gradients[to] = gradient_[from] * factor_; });
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::update_parameters(bool sync) {
  const float step_size = sums_.step_size, inverse_root = sums_.inverse_root_correction2;
  const AdamNumbers& adam = work_.adam;
  const float tau = work_.target_tau;
  bool finite = true;
  const auto update = [&](float& p, float& m, float& v, float g) {
    const float gradient = factor_ * g + adam.l2 * p;
    m = adam.beta1 * m + adam.one_minus_beta1 * gradient;
    v = adam.beta2 * v + adam.one_minus_beta2 * gradient * gradient;
    p = adam.shrink * p - step_size * m / (sqrtf(v) * inverse_root + adam.epsilon);
    finite = finite && isfinite(p) && isfinite(m) && isfinite(v);
  };
  const auto blend = [tau](float& target, float p) { target = tau == 1 ? p : tau * p + (1 - tau) * target; };
  for (int i = 4 * thread_; i < layout_.parameters; i += 4 * kFusedThreads) {
    float4 p = four(online_ + i);
    if (!held_) {
      float4 m = four(first_moments() + i), v = four(second_moments() + i);
      const float4 g = four(gradient_ + i);
      update(p.x, m.x, v.x, g.x);
      update(p.y, m.y, v.y, g.y);
      update(p.z, m.z, v.z, g.z);
      update(p.w, m.w, v.w, g.w);
      four(online_ + i) = p;
      four(first_moments() + i) = m;
      four(second_moments() + i) = v;
    }
    if (!sync) continue;
    float4 target = four(target_numbers() + i);
    blend(target.x, p.x);
    blend(target.y, p.y);
    blend(target.z, p.z);
    blend(target.w, p.w);
    four(target_numbers() + i) = target;
  }
  if (!finite) atomicExch(&sums_.overflowed, 1);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
