// The look at loss and gradient before an optimiser's step.
#pragma once

#include <cmath>

#include "core/reference/tensor_access.h"
#include "core/step_guard.h"

namespace bellman::reference {

/// guard: held when loss(1) or a number of g(N) is not finite. See core/backend.h.
template <class T>
void guard_step(IntTensor guard, In<T> loss, In<T> g, Holding holding) {
  if (at(guard, kHeld) != 0 && holding == Holding::kForGood) return;
  Index place = 0;
  for (Index i = g.elements() - 1; i >= 0; --i)
    if (!std::isfinite(at(g, i))) place = i + 1;
  const bool held = at(guard, kOverflowed) != 0 || place != 0 || !std::isfinite(at(loss, 0));
  at(guard, kPlace) = static_cast<std::int32_t>(place);
  at(guard, kHeld) = held;
  at(guard, kSkipped) += held;
}

/// What the optimisers' steps do when they are given a guard: nothing when it holds them.
inline bool is_held(IntTensor guard) { return guard && at(guard, kHeld) != 0; }
/// The step's number without those that were held.
inline Index number_of_step(Index step, IntTensor guard) { return guard ? step - at(guard, kSkipped) : step; }
/// And afterwards they say when a number that they wrote is not finite.
template <class T>
void note_overflow(IntTensor guard, Out<T> written) {
  if (!guard || !written) return;
  for (Index i = 0; i < written.elements(); ++i)
    if (!std::isfinite(at(written, i))) at(guard, kOverflowed) = 1;
}

}  // namespace bellman::reference
