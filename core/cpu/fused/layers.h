// A dense layer and its activation on one panel: forward, and back to its input.
// A part of kernels_impl.h, which explains it and includes it after the vector.
#pragma once

#include "core/cpu/fused/tile.h"

namespace bellman::cpu::fused {
namespace {

// ---- tanh

// tanh x = (e^2x - 1) / (e^2x + 1) = E / (E + 2) for E = e^2x - 1 = 2^n (e^r - 1) + (2^n - 1),
// where 2x = n log 2 + r and |r| <= log 2 / 2. No term cancels for x >= 0, and tanh is odd. Off by at most 3
// in the last place.
BELLMAN_FUSED_INLINE Vec hyperbolic_tangent(Vec x) {
  constexpr float kLog2High = 0.693145751953125F, kLog2Low = 1.42860682030941723212e-6F;
  constexpr float kShift = 12582912.0F;  // 1.5 2^23: a sum with it is rounded to a whole number
  const Vec u = smaller(broadcast(20.0F), mul(broadcast(2.0F), absolute(x)));  // tanh 10 = 1; NaN stays
  const Vec shifted = fma(u, broadcast(1.44269504088896341F), broadcast(kShift));
  const Vec n = sub(shifted, broadcast(kShift));
  const Vec r = fnma(n, broadcast(kLog2Low), fnma(n, broadcast(kLog2High), u));
  // e^r - 1 = r (1 + r/2 (1 + r/3 (... ))), to r^7/7!: the next term is below 2^-25 of r.
  Vec series = broadcast(1.0F / 5040);
  series = fma(series, r, broadcast(1.0F / 720));
  series = fma(series, r, broadcast(1.0F / 120));
  series = fma(series, r, broadcast(1.0F / 24));
  series = fma(series, r, broadcast(1.0F / 6));
  series = fma(series, r, broadcast(0.5F));
  const Vec expm1 = fma(mul(series, r), r, r);
  const Vec power = power_of_two(shifted);
  const Vec e = fma(power, expm1, sub(power, broadcast(1.0F)));
  const Vec result = div(e, add(e, broadcast(2.0F)));
  return select(greater(zero(), x), sub(zero(), result), result);
}

// ---- forward

template <int V>
void tanh_of_panel(float* y, Index features) {
  for (Index i = 0; i < features; ++i)
    for (int v = 0; v < V; ++v) {
      float* at = y + i * kPanel + v * kLanes;
      store(at, hyperbolic_tangent(load(at)));
    }
}

void forward(float* y, const float* x, const float* w, const float* b, DenseShape shape, Index samples,
             Activation::Kind epilogue) {
  const Index I = shape.inputs;
  const bool relu_follows = epilogue == Activation::kRelu;
  with_vectors(samples, [=]<int V>(Int<V>) BELLMAN_FUSED_INLINE_LAMBDA {
    for_tiles(shape.outputs, [=]<int R>(Int<R>, Index o) BELLMAN_FUSED_INLINE_LAMBDA {
      Vec sum[R][V];
      BELLMAN_FUSED_UNROLL
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) sum[r][v] = broadcast(b[o + r]);
      multiply(sum, WeightRows{w + o * I, I}, x, I);
      if (relu_follows) {
        BELLMAN_FUSED_UNROLL
        for (int r = 0; r < R; ++r)
          for (int v = 0; v < V; ++v) sum[r][v] = relu(sum[r][v]);
      }
      BELLMAN_FUSED_UNROLL
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) store(y + (o + r) * kPanel + v * kLanes, sum[r][v]);
    });
    if (epilogue == Activation::kTanh) tanh_of_panel<V>(y, shape.outputs);
  });
}

// ---- backward: dx

/// d times the slope at y = f(.): ReLU's is [y > 0], tanh's 1 - y^2.
BELLMAN_FUSED_INLINE Vec times_slope(Vec d, Vec y, Activation::Kind made_by) {
  if (made_by == Activation::kRelu) return select(greater(y, zero()), d, zero());
  return mul(d, fnma(y, y, broadcast(1.0F)));
}

void input_gradient(float* dx, const float* dy, const float* w, const float* x, DenseShape shape,
                    Index samples, GradientWrite write) {
  const Index I = shape.inputs;
  with_vectors(samples, [=]<int V>(Int<V>) BELLMAN_FUSED_INLINE_LAMBDA {
    for_tiles(I, [=]<int R>(Int<R>, Index i) BELLMAN_FUSED_INLINE_LAMBDA {
      Vec sum[R][V];
      BELLMAN_FUSED_UNROLL
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) sum[r][v] = zero();
      multiply(sum, WeightColumns{w + i, I}, dy, shape.outputs);
      if (write.accumulate) {
        BELLMAN_FUSED_UNROLL
        for (int r = 0; r < R; ++r)
          for (int v = 0; v < V; ++v) sum[r][v] = add(load(dx + (i + r) * kPanel + v * kLanes), sum[r][v]);
      }
      if (write.made_by != Activation::kNone) {
        BELLMAN_FUSED_UNROLL
        for (int r = 0; r < R; ++r)
          for (int v = 0; v < V; ++v)
            sum[r][v] = times_slope(sum[r][v], load(x + (i + r) * kPanel + v * kLanes), write.made_by);
      }
      BELLMAN_FUSED_UNROLL
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) store(dx + (i + r) * kPanel + v * kLanes, sum[r][v]);
    });
  });
}

}  // namespace
}  // namespace bellman::cpu::fused
