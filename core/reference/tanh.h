// The hyperbolic tangent: squashes a number into (-1, 1).
#pragma once

#include <cmath>

#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// y = tanh(x), element by element. Overwrites y.
template <class T>
void tanh_forward(Out<T> y, In<T> x) {
  for (Index i = 0; i < x.elements(); ++i) at(y, i) = std::tanh(at(x, i));
}

// tanh = sinh / cosh, and the quotient rule gives (cosh^2 - sinh^2) / cosh^2 = 1 - tanh^2. The derivative is
// a function of y alone:
//   dL/dx = dy (1 - y^2)
/// dx overwritten.
template <class T>
void tanh_backward(Out<T> dx, In<T> dy, In<T> y) {
  for (Index i = 0; i < y.elements(); ++i) at(dx, i) = at(dy, i) * (1 - at(y, i) * at(y, i));
}

}  // namespace bellman::reference
