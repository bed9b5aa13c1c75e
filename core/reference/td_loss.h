// The loss of Q-learning: how far the Q-values of the actions taken are from their targets.
#pragma once

#include <cmath>

#include "core/backend.h"
#include "core/op_shapes.h"
#include "core/reference/fill.h"
#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// l(d): d^2 (mean squared error) or Huber's (1964): d^2/2 for |d| <= delta, delta (|d| - delta/2) beyond.
template <class T>
T error_loss(T d, LossKind kind, T delta) {
  if (kind == LossKind::kMeanSquaredError) return d * d;
  return std::abs(d) <= delta ? d * d / 2 : delta * (std::abs(d) - delta / 2);
}

/// l'(d): 2d, or Huber's: d, held within [-delta, delta]. At |d| = delta both of Huber's branches have the
/// same value and slope.
template <class T>
T error_loss_slope(T d, LossKind kind, T delta) {
  if (kind == LossKind::kMeanSquaredError) return 2 * d;
  return d > delta ? delta : d < -delta ? -delta : d;  // a NaN stays one
}

// td_error d[n] = y[n] - q[n,a] for the action a that was taken; the target y is a given number, not a
// function of q. L = 1/B sum_n weight[n] l(d[n]), and d d[n] / d q[n,a] = -1, so
//   dL/dq[n,a] = -1/B weight[n] l'(d[n])      and 0 for every action that was not taken.
/// td_error(B), loss(1) and dq(B,A) overwritten. The loss is summed in double. Throws: Error for an action
/// that is not in 0 .. A-1.
template <class T>
void td_loss(Out<T> dq, Out<T> td_error, Out<T> loss, In<T> q, ConstIntTensor action, In<T> y, In<T> weight,
             LossKind kind, T delta) {
  const Index B = q[0], A = q[1];
  check_indices("td_loss", "action", action, A);
  fill(dq, T(0));
  double total = 0;
  for (Index n = 0; n < B; ++n) {
    const Index a = at(action, n);
    const T d = at(y, n) - at(q, n, a);
    at(td_error, n) = d;
    at(dq, n, a) = -at(weight, n) * error_loss_slope(d, kind, delta) / T(B);
    total += double(at(weight, n) * error_loss(d, kind, delta));
  }
  at(loss, 0) = T(total / double(B));
}

}  // namespace bellman::reference
