// Ops on tensors of any shape and on the flat arena: fill, add, the gradient's norm and clipping, the guard
// before an optimiser's step, and the target network's update.
#pragma once

#include <cmath>

#include "core/ops/op_options.h"
#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// x = value.
template <class T>
void fill(Out<T> x, T value) {
  for (Index i = 0; i < x.elements(); ++i) at(x, i) = value;
}

/// y += x.
template <class T>
void add(Out<T> y, In<T> x) {
  for (Index i = 0; i < x.elements(); ++i) at(y, i) += at(x, i);
}

// Clipping by global norm (Pascanu et al. 2013, algorithm 1): too long a gradient keeps its direction and
// loses length.

/// norm(1) = sqrt(sum g(N)^2), summed in double. Overwrites norm.
template <class T>
void global_norm(Out<T> norm, In<T> g) {
  double sum = 0;
  for (Index i = 0; i < g.elements(); ++i) sum += double(at(g, i)) * double(at(g, i));
  at(norm, 0) = T(std::sqrt(sum));
}

/// g <- g min(1, max_norm / (norm(1) + 1e-6)). PyTorch's 1e-6 keeps a zero gradient from dividing by zero.
template <class T>
void clip_by_global_norm(Out<T> g, In<T> norm, T max_norm) {
  const T scale = max_norm / (at(norm, 0) + T(1e-6));
  if (!(scale < 1)) return;
  for (Index i = 0; i < g.elements(); ++i) at(g, i) *= scale;
}

// The guard (core/ops/backend.h).

/// Sets guard[kHeld] when loss(1) or a number of g(N) is not finite.
template <class T>
void guard_step(IntTensor guard, In<T> loss, In<T> g, SkipPolicy policy) {
  if (at(guard, kHeld) != 0 && policy == SkipPolicy::kForGood) return;
  Index place = 0;
  for (Index i = g.elements() - 1; i >= 0; --i)
    if (!std::isfinite(at(g, i))) place = i + 1;
  const bool held = at(guard, kOverflowed) != 0 || place != 0 || !std::isfinite(at(loss, 0));
  at(guard, kPlace) = static_cast<std::int32_t>(place);
  at(guard, kHeld) = held;
  at(guard, kSkipped) += held;
}

/// Whether a given guard holds the optimiser's step, which then does nothing.
inline bool is_held(IntTensor guard) { return guard && at(guard, kHeld) != 0; }
/// The step's number, held steps not counted.
inline Index number_of_step(Index step, IntTensor guard) { return guard ? step - at(guard, kSkipped) : step; }
/// Sets guard[kOverflowed] when a number that the step wrote is not finite.
template <class T>
void note_overflow(IntTensor guard, Out<T> written) {
  if (!guard || !written) return;
  for (Index i = 0; i < written.elements(); ++i)
    if (!std::isfinite(at(written, i))) at(guard, kOverflowed) = 1;
}

// The target network follows the online network: at once, or slowly (Lillicrap et al. 2016, algorithm 1).

/// target(N) <- tau online(N) + (1 - tau) target(N); for tau = 1 a plain copy, even over NaN.
template <class T>
void polyak_update(Out<T> target, In<T> online, T tau) {
  for (Index i = 0; i < target.elements(); ++i)
    at(target, i) = tau == 1 ? at(online, i) : tau * at(online, i) + (1 - tau) * at(target, i);
}

}  // namespace bellman::reference
