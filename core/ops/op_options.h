// The options that ops take beside their tensors (core/ops/backend.h).
#pragma once

#include "core/base/tensor.h"
#include "core/ops/activation.h"

namespace bellman {

/// How a window moves over an image: symmetric zero padding (for pooling: padding that never wins) and
/// stride.
struct Window {
  Index kernel_h = 1, kernel_w = 1;
  Index stride_h = 1, stride_w = 1;
  Index padding_h = 0, padding_w = 0;

  /// Rows that windows over an image of `h` rows give: floor((h + 2 padding - kernel) / stride) + 1; below 1
  /// when the window does not fit.
  constexpr Index output_h(Index h) const { return extent(h, kernel_h, stride_h, padding_h); }
  constexpr Index output_w(Index w) const { return extent(w, kernel_w, stride_w, padding_w); }

 private:
  static constexpr Index extent(Index n, Index kernel, Index stride, Index padding) {
    return n + 2 * padding < kernel ? 0 : (n + 2 * padding - kernel) / stride + 1;
  }
};

enum class LossKind { kMeanSquaredError, kHuber };

/// Kingma & Ba 2015, algorithm 1. AdamW (Loshchilov & Hutter 2019) when `decoupled`.
struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
  bool decoupled = false;  // p shrinks by lr * weight_decay; otherwise g grows by weight_decay * p
};

/// Hinton 2012 (lecture 6e); centred as in Graves 2013, eq. 38. PyTorch's order of terms, or, with
/// `epsilon_in_root`, that of Mnih et al. 2015; a variance that rounding made negative counts as 0.
struct RmsPropOptions {
  double alpha = 0.99;
  double epsilon = 1e-8;
  bool epsilon_in_root = false;  // the divisor is sqrt(v + epsilon) instead of sqrt(v) + epsilon
  double momentum = 0.0;
  double weight_decay = 0.0;
  bool centered = false;
};

/// v <- momentum v + (1 - dampening) g, p <- p - lr v; Nesterov: p <- p - lr (g + momentum v). PyTorch's
/// convention.
struct SgdOptions {
  double momentum = 0.0;
  double dampening = 0.0;
  double weight_decay = 0.0;
  bool nesterov = false;
};

/// How a gradient step of DQN makes its TD targets and its gradient (rl/learn/dqn_update.h): settings of a
/// training run, which every step takes as they are. A step rounds the numbers to floats.
struct DqnOptions {
  bool double_dqn = false;     // the online network chooses the next action, the target network evaluates it
  bool target_network = true;  // false: bootstraps from the online network
  bool munchausen = false;     // Vieillard et al. 2020: adds alpha tau log pi(a|s), clipped from below
  double munchausen_alpha = 0.9, munchausen_temperature = 0.03, munchausen_clip = -1;
  LossKind loss = LossKind::kMeanSquaredError;
  double huber_delta = 1;
  double max_grad_norm = 0;  // 0: no clipping
};

/// What a TD target is made of, for a batch of B transitions from s to s' (core/reference/q_learning.h).
template <class T>
struct TdTargetInputs {
  using In = TensorView<const T>;
  In q_target;          // (B,A): of s', what the target is read from
  In q_online;          // (B,A): of s', what chooses the action; no tensor: q_target does
  In reward, discount;  // (B); discount is gamma^k for a return of k steps
  In terminated;        // (B): 0 or 1
  // Munchausen DQN (Vieillard, Pietquin & Geist 2020), when q_now is a tensor: q_online then is none.
  In q_now = {};               // (B,A): of s, by the network that q_target is of
  ConstIntTensor action = {};  // (B): taken in s, 0 .. A-1
  double alpha = 0, temperature = 1, clip = 0;
};

}  // namespace bellman
