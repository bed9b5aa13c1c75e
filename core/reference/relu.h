// The rectifier (Nair & Hinton 2010): negative numbers become zero.
#pragma once

#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// y = max(x, 0), element by element. Overwrites y.
template <class T>
void relu_forward(Out<T> y, In<T> x) {
  for (Index i = 0; i < x.elements(); ++i) at(y, i) = at(x, i) > 0 ? at(x, i) : T(0);
}

// y = x has slope 1 where x > 0, and y = 0 has slope 0 where x < 0. At x = 0 there is a kink; the slope is
// taken as 0 there. y > 0 exactly where x > 0, so y is all that needs to be kept:
//   dL/dx = dy [y > 0]
/// dx overwritten.
template <class T>
void relu_backward(Out<T> dx, In<T> dy, In<T> y) {
  for (Index i = 0; i < y.elements(); ++i) at(dx, i) = at(y, i) > 0 ? at(dy, i) : T(0);
}

}  // namespace bellman::reference
