// y += x.
#pragma once

#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// y accumulated.
template <class T>
void add(Out<T> y, In<T> x) {
  for (Index i = 0; i < x.elements(); ++i) at(y, i) += at(x, i);
}

}  // namespace bellman::reference
