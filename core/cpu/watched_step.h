// What all optimisers' steps share: the guard that may hold them, and the look at what they wrote.
#pragma once

#include <atomic>
#include <initializer_list>

#include "core/base/numeric.h"
#include "core/cpu/chunks.h"
#include "core/ops/op_options.h"

namespace bellman::cpu {

inline bool is_held(IntTensor guard) { return guard && guard.data()[kHeld] != 0; }
/// The step's number without those that were held.
inline Index number_of_step(Index step, IntTensor guard) {
  return guard ? step - guard.data()[kSkipped] : step;
}

/// step(begin, n) for every chunk; with a guard, what it wrote to `written` (those that are tensors) is
/// looked at while it is still in the cache.
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
