// The functions that layers apply to each number: one table for networks' texts, backends and fused learners.
// A new function is a kind and a row here, and its mathematics in core/reference/activations.h,
// core/cpu/activations.cpp and cuda/ops/activations.cu. Two places list those that are fused with other ops:
// core/nn/dense_chain.cpp and cuda/ops/activation.cuh.
#pragma once

namespace bellman {

/// Which function, and its number where it has one. Converts from its kind: Activation::kRelu.
struct Activation {
  enum Kind { kNone, kRelu, kLeakyRelu, kTanh, kSigmoid, kGelu, kGeluTanh, kSilu };

  constexpr Activation() = default;
  constexpr Activation(Kind which, double number = 0) : kind(which), parameter(number) {}  // NOLINT

  Kind kind = kNone;
  double parameter = 0;  // of kLeakyRelu: its slope below 0
};

struct ActivationInfo {
  Activation::Kind kind;
  const char* name;                 // in a network's text, and in the messages of its op
  bool keeps_output;                // the backward pass is given y = f(x); else x
  const char* parameter = nullptr;  // what its number is called; null: it has none
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

}  // namespace bellman
