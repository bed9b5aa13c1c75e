// What the optimisers' steps share: Adam's factors, the guard that may skip a step, and the check of what was written.
#pragma once

#include <atomic>
#include <initializer_list>

#include "core/base/numeric.h"
#include "core/cpu/simd/kernels.h"
#include "core/cpu/thread_pool.h"
#include "core/ops/backend.h"
#include "core/ops/op_options.h"

namespace bellman::cpu {

/// The factors of the `step`-th step, from 1, with the powers of beta in double. Gradients are not scaled.
AdamFactors adam_factors(const AdamOptions& options, float learning_rate, Index step);

/// Whether the guard says to skip this step.
inline bool is_held(IntTensor guard) { return guard && guard.data()[kHeld] != 0; }
/// The step's number, not counting skipped ones.
inline Index number_of_step(Index step, IntTensor guard) {
  return guard ? step - guard.data()[kSkipped] : step;
}

/// step(begin, n) for every chunk. With a guard, checks that what it wrote to `written` (null tensors excepted) is finite,
/// while it is still in the cache.
template <class Step>
void for_each_watched_chunk(ThreadPool& pool, IntTensor guard, std::initializer_list<Tensor> written, Index n,
                            Index chunk, const Step& step) {
  std::atomic<bool> finite = true;
  for_each_chunk(pool, n, chunk, [&](Index begin, Index count) {
    step(begin, count);
    if (!guard) return;
    for (const Tensor& tensor : written)
      if (tensor && !all_finite({tensor.data() + begin, static_cast<std::size_t>(count)}))
        finite.store(false, std::memory_order_relaxed);
  });
  if (!finite) guard.data()[kOverflowed] = 1;
}

}  // namespace bellman::cpu
