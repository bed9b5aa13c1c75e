// The dense (fully connected, linear) layer: every output is a weighted sum of all inputs, plus a bias.
#pragma once

#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// y(B,O) = x(B,I) w(O,I)^T + b(O). Overwrites y.
template <class T>
void dense_forward(Out<T> y, In<T> x, In<T> w, In<T> b) {
  const Index B = x[0], I = x[1], O = w[0];
  for (Index n = 0; n < B; ++n)
    for (Index o = 0; o < O; ++o) {
      T sum = at(b, o);
      for (Index i = 0; i < I; ++i) sum += at(x, n, i) * at(w, o, i);
      at(y, n, o) = sum;
    }
}

// L is a function of y, and dy = dL/dy is given. Each y[n,o] = sum_i x[n,i] w[o,i] + b[o], and the chain rule
// sums over all y that a number has a part in:
//   dL/dw[o,i] = sum_n dy[n,o] x[n,i]     w[o,i] multiplies x[n,i] in y[n,o], once for each sample
//   dL/db[o]   = sum_n dy[n,o]            b[o] is added to y[n,o], once for each sample
//   dL/dx[n,i] = sum_o dy[n,o] w[o,i]     x[n,i] reaches every output of its own sample
/// dw(O,I), db(O) accumulated; dx(B,I) overwritten, skipped when it is no tensor.
template <class T>
void dense_backward(Out<T> dx, Out<T> dw, Out<T> db, In<T> dy, In<T> x, In<T> w) {
  const Index B = x[0], I = x[1], O = w[0];
  for (Index o = 0; o < O; ++o)
    for (Index n = 0; n < B; ++n) {
      for (Index i = 0; i < I; ++i) at(dw, o, i) += at(dy, n, o) * at(x, n, i);
      at(db, o) += at(dy, n, o);
    }
  if (!dx) return;
  for (Index n = 0; n < B; ++n)
    for (Index i = 0; i < I; ++i) {
      T sum = 0;
      for (Index o = 0; o < O; ++o) sum += at(dy, n, o) * at(w, o, i);
      at(dx, n, i) = sum;
    }
}

}  // namespace bellman::reference
