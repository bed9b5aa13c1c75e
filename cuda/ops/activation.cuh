// The activations that a product's kernel applies to its sums (core/reference/activations.h), and their
// slopes.
#pragma once

#include <cmath>

#include "core/ops/op_options.h"
#include "cuda/base/dialect.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// A NaN is not above 0 and becomes 0, as in the definition.
__device__ __forceinline__ float relu(float x) { return x > 0.0F ? x : 0.0F; }
/// 0 where exp(-x) overflows.
__device__ __forceinline__ float sigmoid(float x) { return 1.0F / (1.0F + expf(-x)); }

/// Whether activate() below supports it. A layer with another activation is two ops.
inline bool is_activated_with_products(Activation::Kind kind) {
  return kind == Activation::kRelu || kind == Activation::kTanh || kind == Activation::kSigmoid;
}

/// f(y); y itself for kNone.
__device__ __forceinline__ float activate(Activation::Kind f, float y) {
  switch (f) {
    case Activation::kRelu:
      return relu(y);
    case Activation::kTanh:
      return tanhf(y);
    case Activation::kSigmoid:
      return sigmoid(y);
    default:
      return y;
  }
}

/// f'(x) dy, given y = f(x), for none, relu and tanh.
__device__ __forceinline__ float slope(Activation::Kind activation, float dy, float y) {
  if (activation == Activation::kRelu) return y > 0.0F ? dy : 0.0F;
  if (activation == Activation::kTanh) return dy * (1.0F - y * y);
  return dy;
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
