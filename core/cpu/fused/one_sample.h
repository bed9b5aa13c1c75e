// A dense layer for one sample: acting in one environment.
// A part of kernels_impl.h, which explains it and includes it after the vector.
#pragma once

#include "core/cpu/fused/layers.h"

namespace bellman::cpu::fused {
namespace {

void row(float* y, const float* x, const float* w, const float* b, DenseShape shape,
         Activation::Kind epilogue) {
  const Index I = shape.inputs, O = shape.outputs, whole = I / kLanes * kLanes;
  for (Index o = 0; o < O; o += kLanes) {
    Vec sum[kLanes];
    const float* at[kLanes];
    BELLMAN_FUSED_UNROLL
    for (int r = 0; r < kLanes; ++r) {
      sum[r] = zero();
      at[r] = w + least(o + r, O - 1) * I;
    }
    for (Index k = 0; k < whole; k += kLanes) {
      const Vec x_k = load(x + k);
      BELLMAN_FUSED_UNROLL
      for (int r = 0; r < kLanes; ++r) sum[r] = fma(load(at[r] + k), x_k, sum[r]);
    }
    if (whole < I) {
      const Vec x_k = load(x + whole);
      BELLMAN_FUSED_UNROLL
      for (int r = 0; r < kLanes; ++r) sum[r] = fma(load_first(at[r] + whole, I - whole), x_k, sum[r]);
    }
    Vec result = add(sums_of_lanes(sum), o + kLanes <= O ? load(b + o) : load_first(b + o, O - o));
    if (epilogue == Activation::kRelu) result = relu(result);
    if (epilogue == Activation::kTanh) result = hyperbolic_tangent(result);
    if (o + kLanes <= O) {
      store(y + o, result);
    } else {
      store(y + o, zero());
      store_first(y + o, result, O - o);
    }
  }
}

}  // namespace
}  // namespace bellman::cpu::fused
