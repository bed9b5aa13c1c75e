// Layer normalisation (Ba, Kiros & Hinton 2016, eq. 3 and 4): each sample's features are shifted to mean 0
// and scaled to variance 1, then scaled and shifted by learned numbers.
#pragma once

#include <cmath>

#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// Per row of x(B,I): mean(B), rstd(B) = 1 / sqrt(variance + epsilon) with the biased variance, xhat = (x -
/// mean) rstd, and y = gamma(I) xhat + beta(I). Overwrites y, mean and rstd.
template <class T>
void layer_norm_forward(Out<T> y, Out<T> mean, Out<T> rstd, In<T> x, In<T> gamma, In<T> beta, T epsilon) {
  const Index B = x[0], I = x[1];
  for (Index n = 0; n < B; ++n) {
    T sum = 0;
    for (Index i = 0; i < I; ++i) sum += at(x, n, i);
    const T m = sum / T(I);

    // In a second pass: E[x^2] - E[x]^2 in one pass would lose all digits where the mean is large.
    T squares = 0;
    for (Index i = 0; i < I; ++i) squares += (at(x, n, i) - m) * (at(x, n, i) - m);
    const T r = 1 / std::sqrt(squares / T(I) + epsilon);

    for (Index i = 0; i < I; ++i) at(y, n, i) = at(gamma, i) * (at(x, n, i) - m) * r + at(beta, i);
    at(mean, n) = m;
    at(rstd, n) = r;
  }
}

// Within a row let g[i] = dy[i] gamma[i] = dL/dxhat[i]. A change of x[i] moves xhat[i], and through the mean
// and the variance every other xhat[j]; with dmean/dx[i] = 1/I and drstd/dx[i] = -rstd^2 xhat[i] / I:
//   dxhat[j]/dx[i] = rstd ([i = j] - 1/I - xhat[i] xhat[j] / I), so summed over j against g[j]
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

}  // namespace bellman::reference
