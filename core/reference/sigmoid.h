// The logistic sigmoid: squashes a number into (0, 1).
#pragma once

#include <cmath>

#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// y = 1 / (1 + exp(-x)), element by element. Where exp(-x) overflows, y is 0, as it should be. Overwrites y.
template <class T>
void sigmoid_forward(Out<T> y, In<T> x) {
  for (Index i = 0; i < x.elements(); ++i) at(y, i) = 1 / (1 + std::exp(-at(x, i)));
}

// With e = exp(-x), y = 1 / (1 + e) and dy/dx = e / (1 + e)^2 = 1/(1 + e) e/(1 + e) = y (1 - y):
//   dL/dx = dy y (1 - y)
/// dx overwritten.
template <class T>
void sigmoid_backward(Out<T> dx, In<T> dy, In<T> y) {
  for (Index i = 0; i < y.elements(); ++i) at(dx, i) = at(dy, i) * at(y, i) * (1 - at(y, i));
}

}  // namespace bellman::reference
