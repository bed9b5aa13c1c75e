// The dueling head (Wang et al. 2016, eq. 9): how good the state is, plus by how much each action is better
// than the average one.
#pragma once

#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// q(B,A) = v(B,1) + a(B,A) - mean over actions of a(B,A). Overwrites q.
template <class T>
void dueling_forward(Out<T> q, In<T> v, In<T> a) {
  const Index B = a[0], A = a[1];
  for (Index n = 0; n < B; ++n) {
    T sum = 0;
    for (Index k = 0; k < A; ++k) sum += at(a, n, k);
    for (Index k = 0; k < A; ++k) at(q, n, k) = at(v, n, 0) + at(a, n, k) - sum / T(A);
  }
}

// v[n] is added to every q[n,k]; a[n,k] is added to q[n,k] and, as a part of the mean, a[n,k]/A is taken from
// every q[n,j]:
//   dL/dv[n] = sum_k dq[n,k]        dL/da[n,k] = dq[n,k] - 1/A sum_j dq[n,j]
// Even when one action alone has a gradient, the mean passes some of it on to every advantage.
/// dv, da overwritten.
template <class T>
void dueling_backward(Out<T> dv, Out<T> da, In<T> dq) {
  const Index B = dq[0], A = dq[1];
  for (Index n = 0; n < B; ++n) {
    T sum = 0;
    for (Index k = 0; k < A; ++k) sum += at(dq, n, k);
    at(dv, n, 0) = sum;
    for (Index k = 0; k < A; ++k) at(da, n, k) = at(dq, n, k) - sum / T(A);
  }
}

}  // namespace bellman::reference
