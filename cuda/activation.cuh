// The activations that a dense layer can compute along with its sums (core/reference/relu.h, tanh.h,
// sigmoid.h).
#pragma once

#include <cmath>

#include "core/backend.h"
#include "cuda/dialect.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

enum class FusedActivation : int { kNone, kRelu, kTanh, kSigmoid };

inline FusedActivation fused(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return FusedActivation::kRelu;
    case Activation::kTanh:
      return FusedActivation::kTanh;
    case Activation::kSigmoid:
      return FusedActivation::kSigmoid;
  }
  return FusedActivation::kNone;
}

__device__ __forceinline__ float activate(FusedActivation activation, float y) {
  switch (activation) {
    case FusedActivation::kRelu:
      return y > 0.0F ? y : 0.0F;
    case FusedActivation::kTanh:
      return tanhf(y);
    case FusedActivation::kSigmoid:
      return 1.0F / (1.0F + expf(-y));
    default:
      return y;
  }
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
