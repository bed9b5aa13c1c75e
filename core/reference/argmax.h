// The greedy action: where the largest Q-value stands.
#pragma once

#include <cstdint>

#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// The smallest index of the largest number of row n of q(B,A). With NaN in the row: some index of the row.
template <class T>
Index argmax_of_row(In<T> q, Index n) {
  Index best = 0;
  for (Index a = 1; a < q[1]; ++a)
    if (at(q, n, a) > at(q, n, best)) best = a;
  return best;
}

/// action(B) = the smallest index of the largest q(B,A) of each row. Overwrites action.
template <class T>
void argmax(IntTensor action, In<T> q) {
  for (Index n = 0; n < q[0]; ++n) at(action, n) = static_cast<std::int32_t>(argmax_of_row(q, n));
}

}  // namespace bellman::reference
