// The leaky rectifier (Maas et al. 2013): negative numbers are not cut off but made small.
#pragma once

#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// y = x for x > 0, slope x otherwise, element by element. Overwrites y.
template <class T>
void leaky_relu_forward(Out<T> y, In<T> x, T slope) {
  for (Index i = 0; i < x.elements(); ++i) at(y, i) = at(x, i) > 0 ? at(x, i) : slope * at(x, i);
}

// Two straight lines: dy/dx is 1 where x > 0 and `slope` elsewhere (at the kink, x = 0, too).
//   dL/dx = dy (x > 0 ? 1 : slope)
/// dx overwritten.
template <class T>
void leaky_relu_backward(Out<T> dx, In<T> dy, In<T> x, T slope) {
  for (Index i = 0; i < x.elements(); ++i) at(dx, i) = at(x, i) > 0 ? at(dy, i) : slope * at(dy, i);
}

}  // namespace bellman::reference
