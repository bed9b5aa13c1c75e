// The activations that a product computes along with its sums (core/reference/activations.h).
#pragma once

#include <cmath>

#include "core/ops/activation.h"
#include "cuda/base/dialect.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// A NaN is not above 0 and becomes 0, as in the definition.
__device__ __forceinline__ float relu(float x) { return x > 0.0F ? x : 0.0F; }
/// 0 where exp(-x) overflows.
__device__ __forceinline__ float sigmoid(float x) { return 1.0F / (1.0F + expf(-x)); }

/// Whether activate() below knows it: a layer with another one is two ops, here alone is that said.
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

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
