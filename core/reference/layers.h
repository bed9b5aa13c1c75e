// The layers on rows of features: dense, layer normalisation, and the dueling head.
#pragma once

#include <cmath>

#include "core/reference/tensor_access.h"

namespace bellman::reference {

// ---- dense (fully connected, linear): every output is a weighted sum of all inputs plus a bias

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

// L is a function of y, and dy = dL/dy is given. Each y[n,o] = sum_i x[n,i] w[o,i] + b[o]. The chain rule
// sums over all y that a number contributes to:
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

// ---- layer normalisation (Ba, Kiros & Hinton 2016, eq. 3 and 4): each sample's features are shifted to mean
// 0 and scaled to variance 1, then scaled and shifted by learned numbers

/// For each row of x(B,I), with the biased variance: mean(B), rstd(B) = 1 / sqrt(variance + epsilon),
///   xhat = (x - mean) rstd,   y = gamma(I) xhat + beta(I)
/// Overwrites y, mean and rstd.
template <class T>
void layer_norm_forward(Out<T> y, Out<T> mean, Out<T> rstd, In<T> x, In<T> gamma, In<T> beta, T epsilon) {
  const Index B = x[0], I = x[1];
  for (Index n = 0; n < B; ++n) {
    T sum = 0;
    for (Index i = 0; i < I; ++i) sum += at(x, n, i);
    const T m = sum / T(I);

    // A second pass: E[x^2] - E[x]^2 in one pass would lose all digits where the mean is large.
    T squares = 0;
    for (Index i = 0; i < I; ++i) squares += (at(x, n, i) - m) * (at(x, n, i) - m);
    const T r = 1 / std::sqrt(squares / T(I) + epsilon);

    for (Index i = 0; i < I; ++i) at(y, n, i) = at(gamma, i) * (at(x, n, i) - m) * r + at(beta, i);
    at(mean, n) = m;
    at(rstd, n) = r;
  }
}

// Within a row let g[i] = dy[i] gamma[i] = dL/dxhat[i]. x[i] changes xhat[i] and, through mean and variance,
// every other xhat[j]. With dmean/dx[i] = 1/I and drstd/dx[i] = -rstd^2 xhat[i] / I:
//   dxhat[j]/dx[i] = rstd ([i = j] - 1/I - xhat[i] xhat[j] / I), and multiplied by g[j] and summed over j
//   dL/dx[i] = rstd (g[i] - mean_j g[j] - xhat[i] mean_j (g[j] xhat[j]))
//   dL/dgamma[i] = sum_n dy[n,i] xhat[n,i]      dL/dbeta[i] = sum_n dy[n,i]
/// dgamma, dbeta accumulated; dx overwritten, skipped when it is no tensor.
template <class T>
void layer_norm_backward(Out<T> dx, Out<T> dgamma, Out<T> dbeta, In<T> dy, In<T> x, In<T> gamma, In<T> mean,
                         In<T> rstd) {
  const Index B = x[0], I = x[1];
  for (Index n = 0; n < B; ++n) {
    const T m = at(mean, n), r = at(rstd, n);
    T sum_g = 0, sum_g_xhat = 0;
    for (Index i = 0; i < I; ++i) {
      const T xhat = (at(x, n, i) - m) * r;
      const T g = at(dy, n, i) * at(gamma, i);
      sum_g += g;
      sum_g_xhat += g * xhat;
      at(dgamma, i) += at(dy, n, i) * xhat;
      at(dbeta, i) += at(dy, n, i);
    }
    if (!dx) continue;
    for (Index i = 0; i < I; ++i) {
      const T xhat = (at(x, n, i) - m) * r;
      const T g = at(dy, n, i) * at(gamma, i);
      at(dx, n, i) = r * (g - sum_g / T(I) - xhat * (sum_g_xhat / T(I)));
    }
  }
}

// ---- the dueling head (Wang et al. 2016, eq. 9): the state's value plus each action's advantage over the
// average one

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

// v[n] is added to every q[n,k]. a[n,k] is added to q[n,k] and, as part of the mean, a[n,k]/A is subtracted
// from every q[n,j]:
//   dL/dv[n] = sum_k dq[n,k]        dL/da[n,k] = dq[n,k] - 1/A sum_j dq[n,j]
// Even when only one action has a gradient, the mean passes a part of it to every advantage.
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
