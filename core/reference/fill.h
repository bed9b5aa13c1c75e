// x = value.
#pragma once

#include "core/reference/tensor_access.h"

namespace bellman::reference {

template <class T>
void fill(Out<T> x, T value) {
  for (Index i = 0; i < x.elements(); ++i) at(x, i) = value;
}

}  // namespace bellman::reference
