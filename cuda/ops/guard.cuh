// What all optimisers' steps share: the guard that may hold them, and the look at what they wrote
// (core/ops/step_guard.h). Nobody waits for the guard: the kernel reads it.
#pragma once

#include <cstdint>

#include "core/ops/step_guard.h"
#include "cuda/ops/elementwise.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// f, and whether everything that it has seen or written was finite.
template <class F>
struct Watched {
  const F& f;
  bool& finite;
  template <class... Numbers>
  __device__ void operator()(Numbers&... numbers) const {
    f(numbers...);
    finite = finite && (isfinite(numbers) && ...);
  }
};

/// guard: kGuardWords, or null. F has prepare(skipped): how many steps before this one were held. Four blocks a
/// multiprocessor, 64 registers a thread: without this ptxas takes 48 for RMSprop and spills.
template <class F, class... Arrays>
__global__ void __launch_bounds__(kElementwiseThreads, 4)
    optimizer_kernel(std::int32_t* guard, Index n, bool by_fours, F f, Arrays... arrays) {
  if (!guard) return for_each_element(n, by_fours, f, arrays...);
  if (guard[kHeld] != 0) return;
  f.prepare(guard[kSkipped]);
  bool finite = true;
  for_each_element(n, by_fours, Watched<F>{f, finite}, arrays...);
  if (!finite) atomicExch(guard + kOverflowed, 1);
}

/// f(element i of each array), as for_each_element, unless the guard holds the step.
template <class F, class... Arrays>
void optimizer_step(Stream& stream, IntTensor guard, Index n, const F& f, Arrays... arrays) {
  if (n == 0) return;
  const bool by_fours = (begins_at_16_bytes(arrays) && ...);
  const ElementwiseGrid size(n, by_fours);
  launch(stream, optimizer_kernel<F, Arrays...>, size.grid, size.block, 0, guard.data(), n, by_fours, f,
         arrays...);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
