// What a network learns from: the greedy action, TD targets, the TD loss, and the loss of classification.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/ops/backend_ops.h"
#include "core/ops/op_options.h"
#include "core/reference/arena_ops.h"
#include "core/reference/tensor_access.h"

namespace bellman::reference {

// ---- the greedy action

/// The smallest index of the largest number in row n of q(B,A). With a NaN in the row: any index of it.
template <class T>
Index argmax_of_row(In<T> q, Index n) {
  Index best = 0;
  for (Index a = 1; a < q[1]; ++a)
    if (at(q, n, a) > at(q, n, best)) best = a;
  return best;
}

/// action(B) = the smallest index of the largest q(B,A) of each row. Overwrites action.
template <class T>
void argmax(IntTensor action, In<T> q) {
  for (Index n = 0; n < q[0]; ++n) at(action, n) = static_cast<std::int32_t>(argmax_of_row(q, n));
}

// ---- TD targets

// Munchausen DQN (Vieillard, Pietquin & Geist 2020, eq. 5): the policy pi is the softmax of q / tau, and the
// target includes a part of the log-probability of the action taken:
//   y = r + alpha clip(tau log pi(a|s), l0, 0) + gamma sum_a' pi(a'|s') (q(s',a') - tau log pi(a'|s'))
// With V = tau log sum_a exp(q_a / tau), tau log pi(a) = q_a - V. Each term of the last sum is then V(s')
// times pi(a'), and pi sums to 1, so the sum is V(s'), the soft value of s'. It tends to max_a q as tau tends
// to 0.

/// tau log sum_a exp(q(B,A)[n,a] / tau). The row's largest number is subtracted first, so that no exp
/// overflows and the sum is at least 1.
template <class T>
T soft_value_of_row(In<T> q, Index n, T tau) {
  const T largest = at(q, n, argmax_of_row(q, n));
  T sum = 0;
  for (Index a = 0; a < q[1]; ++a) sum += std::exp((at(q, n, a) - largest) / tau);
  return largest + tau * std::log(sum);
}

/// y(B) overwritten. Throws: Error for an action that is not in 0 .. A-1.
template <class T>
void munchausen_target(Out<T> y, const TdTargetInputs<T>& in) {
  check_indices("td_target", "action", in.action, in.q_now[1]);
  const T alpha = T(in.alpha), tau = T(in.temperature), clip = T(in.clip);
  for (Index n = 0; n < y[0]; ++n) {
    const T tau_log_pi = at(in.q_now, n, at(in.action, n)) - soft_value_of_row(in.q_now, n, tau);
    const T clipped = tau_log_pi < clip ? clip : tau_log_pi > 0 ? T(0) : tau_log_pi;  // a NaN stays one
    const T next = soft_value_of_row(in.q_target, n, tau);
    at(y, n) = at(in.reward, n) + alpha * clipped + at(in.discount, n) * (1 - at(in.terminated, n)) * next;
  }
}

/// y(B) = reward(B) + discount(B) (1 - terminated(B)) q_target(B,A)[a*]. Overwrites y. The next action a* is
/// the best one
///   - by the target network itself, without q_online (Mnih et al. 2015, algorithm 1);
///   - by the online network, with q_online(B,A) (Double DQN: van Hasselt et al. 2016, eq. 4). One network
///     chooses and the other evaluates: the error that made an action win does not also inflate its value.
/// With q_now it is Munchausen's target. Only `terminated` stops bootstrapping. A time limit is not the end
/// of the world: the state after it still has value.
template <class T>
void td_target(Out<T> y, const TdTargetInputs<T>& in) {
  if (in.q_now) return munchausen_target(y, in);
  for (Index n = 0; n < y[0]; ++n) {
    const Index best = argmax_of_row(in.q_online ? in.q_online : in.q_target, n);
    at(y, n) = at(in.reward, n) + at(in.discount, n) * (1 - at(in.terminated, n)) * at(in.q_target, n, best);
  }
}

// ---- the TD loss

/// l(d): d^2 (mean squared error) or Huber's (1964): d^2/2 for |d| <= delta, delta (|d| - delta/2) beyond.
template <class T>
T error_loss(T d, LossKind kind, T delta) {
  if (kind == LossKind::kMeanSquaredError) return d * d;
  return std::abs(d) <= delta ? d * d / 2 : delta * (std::abs(d) - delta / 2);
}

/// l'(d): 2d, or Huber's: d clipped to [-delta, delta]. At |d| = delta Huber's branches have equal values and
/// slopes.
template <class T>
T error_loss_slope(T d, LossKind kind, T delta) {
  if (kind == LossKind::kMeanSquaredError) return 2 * d;
  return d > delta ? delta : d < -delta ? -delta : d;  // a NaN stays one
}

// The td_error is d[n] = y[n] - q[n,a] for the action a taken; the target y is a constant, not a function of
// q. L = 1/B sum_n weight[n] l(d[n]), and d d[n] / d q[n,a] = -1, so
//   dL/dq[n,a] = -1/B weight[n] l'(d[n])      and 0 for every other action.
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

// ---- the loss of classification: minus the log-probability of the right label

// Per row, p[k] = exp(z[k]) / S with S = sum_j exp(z[j]) and L = -1/B log p[label] = 1/B (log S - z[label]).
// dlog S/dz[k] = exp(z[k]) / S = p[k], so
//   dL/dz[k] = 1/B (p[k] - [k = label])
// Subtracting the row's largest logit from all leaves p unchanged; then no exp overflows, and S >= 1.
/// loss(1) = -1/B sum_n log softmax(logits(B,O)[n])[label(B)[n]], summed in double; loss and dlogits(B,O)
/// overwritten. Throws: Error for a label that is not in 0 .. O-1.
template <class T>
void softmax_cross_entropy(Out<T> dlogits, Out<T> loss, In<T> logits, ConstIntTensor label) {
  const Index B = logits[0], O = logits[1];
  check_indices("softmax_cross_entropy", "label", label, O);
  double total = 0;
  for (Index n = 0; n < B; ++n) {
    T largest = at(logits, n, 0);
    for (Index k = 1; k < O; ++k) largest = std::max(largest, at(logits, n, k));
    T sum = 0;
    for (Index k = 0; k < O; ++k) sum += std::exp(at(logits, n, k) - largest);

    total += double(std::log(sum) - (at(logits, n, at(label, n)) - largest));
    for (Index k = 0; k < O; ++k) {
      const T p = std::exp(at(logits, n, k) - largest) / sum;
      at(dlogits, n, k) = (p - (k == at(label, n) ? 1 : 0)) / T(B);
    }
  }
  at(loss, 0) = T(total / double(B));
}

}  // namespace bellman::reference
