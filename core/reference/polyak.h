// The target network follows the online network: at once, or slowly (Lillicrap et al. 2016, algorithm 1).
#pragma once

#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// target(N) <- tau online(N) + (1 - tau) target(N); for tau = 1 a plain copy, whatever target held.
template <class T>
void polyak_update(Out<T> target, In<T> online, T tau) {
  for (Index i = 0; i < target.elements(); ++i)
    at(target, i) = tau == 1 ? at(online, i) : tau * at(online, i) + (1 - tau) * at(target, i);
}

}  // namespace bellman::reference
