// What ops take beside their tensors (core/ops/backend.h): activations, windows, losses, optimisers'
// settings, and the guard that keeps non-finite numbers out of the parameters.
#pragma once

#include "core/base/tensor.h"

namespace bellman {

// ---- Activations: one table for networks' texts, backends and fused learners. A new function is a kind and
// a row here, and its mathematics in core/reference/activations.h, core/cpu/activations.cpp and
// cuda/ops/activations.cu. Two places list those that are fused with other ops: core/nn/dense_chain.cpp and
// cuda/ops/activation.cuh.

/// A function and its parameter, if it has one. Converts from its kind: Activation::kRelu.
struct Activation {
  enum Kind { kNone, kRelu, kLeakyRelu, kTanh, kSigmoid, kGelu, kGeluTanh, kSilu };

  constexpr Activation() = default;
  constexpr Activation(Kind which, double number = 0) : kind(which), parameter(number) {}  // NOLINT

  Kind kind = kNone;
  double parameter = 0;  // kLeakyRelu: the slope below 0
};

struct ActivationInfo {
  Activation::Kind kind;
  const char* name;                 // in a network's text and in messages
  bool keeps_output;                // the backward pass gets y = f(x); otherwise x
  const char* parameter = nullptr;  // the parameter's name; null: none
  double usual = 0, least = 0, most = 0;
};

/// All but kNone, in the order of Activation::Kind.
inline constexpr ActivationInfo kActivations[] = {
    // clang-format off
    {Activation::kRelu, "relu", true},
    {Activation::kLeakyRelu, "leaky_relu", false, "slope", 0.01, 0, 1},
    {Activation::kTanh, "tanh", true},
    {Activation::kSigmoid, "sigmoid", true},
    {Activation::kGelu, "gelu", false},
    {Activation::kGeluTanh, "gelu_tanh", false},
    {Activation::kSilu, "silu", false},
    // clang-format on
};

/// REQUIRES: kind is not kNone.
constexpr const ActivationInfo& info_of(Activation::Kind kind) { return kActivations[kind - 1]; }

// ---- The guard against non-finite numbers. Before the optimiser changes anything, a learn step checks its
// loss and gradient; afterwards the optimiser checks what it wrote. On a device the host does not wait for
// the result: later steps read it there (docs/decisions/0008).

/// The words of a guard, an IntTensor (kGuardWords) in a backend's memory, initially 0.
enum GuardWord : Index {
  kHeld,        // 1: the optimiser must not apply this step
  kSkipped,     // steps held so far
  kPlace,       // 1 + index of the gradient's first non-finite number; 0: none
  kOverflowed,  // 1: a step wrote a non-finite parameter or moment. It stays set and holds every later step.
  kGuardWords,
};

/// Whether a held step also holds all later ones, until the guard is cleared.
enum class SkipPolicy { kOneStep, kForGood };

// ---- The options that ops take beside their tensors (core/ops/backend.h).

/// How a window moves over an image: stride, and symmetric padding with zeros (in pooling: padding never is
/// the maximum).
struct Window {
  Index kernel_h = 1, kernel_w = 1;
  Index stride_h = 1, stride_w = 1;
  Index padding_h = 0, padding_w = 0;

  /// Output rows for an image of `h` rows: floor((h + 2 padding - kernel) / stride) + 1; below 1 when the
  /// window does not fit.
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
/// `epsilon_in_root`, that of Mnih et al. 2015. A variance that rounding makes negative counts as 0.
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

/// How a learn step computes its TD targets and its gradient (rl/learn/dqn_update.h): settings of a training
/// run, passed on unchanged. A step rounds the numbers to floats.
struct DqnOptions {
  bool double_dqn = false;     // the online network chooses the next action, the target network evaluates it
  bool target_network = true;  // false: bootstraps from the online network
  bool munchausen = false;     // Vieillard et al. 2020: adds alpha tau log pi(a|s), clipped from below
  double munchausen_alpha = 0.9, munchausen_temperature = 0.03, munchausen_clip = -1;
  LossKind loss = LossKind::kMeanSquaredError;
  double huber_delta = 1;
  double max_grad_norm = 0;  // 0: no clipping
};

/// The inputs of the TD target of B transitions from s to s' (core/reference/losses.h).
template <class T>
struct TdTargetInputs {
  using In = TensorView<const T>;
  In q_target;          // (B,A): of s', the values that the target is computed from
  In q_online;          // (B,A): of s', chooses the action; no tensor: q_target chooses
  In reward, discount;  // (B); discount is gamma^k for a return of k steps
  In terminated;        // (B): 0 or 1
  // Munchausen DQN (Vieillard, Pietquin & Geist 2020) when q_now is a tensor; q_online is then none.
  In q_now = {};               // (B,A): of s, by the network of q_target
  ConstIntTensor action = {};  // (B): taken in s, 0 .. A-1
  double alpha = 0, temperature = 1, clip = 0;
};

}  // namespace bellman
