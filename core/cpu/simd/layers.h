// A dense layer and its activation: forward for a panel or a single sample, and back to its input.
// A part of kernels.cpp, which explains it.
#pragma once

#include "core/cpu/simd/tile.h"

namespace bellman::cpu {
namespace {

// ---- tanh

// tanh x = (e^2x - 1) / (e^2x + 1) = E / (E + 2) for E = e^2x - 1 = 2^n (e^r - 1) + (2^n - 1),
// where 2x = n log 2 + r and |r| <= log 2 / 2. No term cancels for x >= 0, and tanh is odd. Off by at most 3
// in the last place.
BELLMAN_INLINE Vec hyperbolic_tangent(Vec x) {
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
  with_vectors(samples, [=]<int V>(Int<V>) BELLMAN_INLINE_LAMBDA {
    for_tiles(shape.outputs, [=]<int R>(Int<R>, Index o) BELLMAN_INLINE_LAMBDA {
      Vec sum[R][V];
      BELLMAN_UNROLL
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) sum[r][v] = broadcast(b[o + r]);
      multiply(sum, WeightRows{w + o * I, I}, x, I);
      if (relu_follows) {
        BELLMAN_UNROLL
        for (int r = 0; r < R; ++r)
          for (int v = 0; v < V; ++v) sum[r][v] = relu(sum[r][v]);
      }
      BELLMAN_UNROLL
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) store(y + (o + r) * kPanel + v * kLanes, sum[r][v]);
    });
    if (epilogue == Activation::kTanh) tanh_of_panel<V>(y, shape.outputs);
  });
}

// ---- backward: dx

/// d times the slope at y = f(.): ReLU's is [y > 0], tanh's 1 - y^2.
BELLMAN_INLINE Vec times_slope(Vec d, Vec y, Activation::Kind made_by) {
  if (made_by == Activation::kRelu) return select(greater(y, zero()), d, zero());
  return mul(d, fnma(y, y, broadcast(1.0F)));
}

void input_gradient(float* dx, const float* dy, const float* w, const float* x, DenseShape shape,
                    Index samples, GradientWrite write) {
  const Index I = shape.inputs;
  with_vectors(samples, [=]<int V>(Int<V>) BELLMAN_INLINE_LAMBDA {
    for_tiles(I, [=]<int R>(Int<R>, Index i) BELLMAN_INLINE_LAMBDA {
      Vec sum[R][V];
      BELLMAN_UNROLL
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) sum[r][v] = zero();
      multiply(sum, WeightColumns{w + i, I}, dy, shape.outputs);
      if (write.accumulate) {
        BELLMAN_UNROLL
        for (int r = 0; r < R; ++r)
          for (int v = 0; v < V; ++v) sum[r][v] = add(load(dx + (i + r) * kPanel + v * kLanes), sum[r][v]);
      }
      if (write.made_by != Activation::kNone) {
        BELLMAN_UNROLL
        for (int r = 0; r < R; ++r)
          for (int v = 0; v < V; ++v)
            sum[r][v] = times_slope(sum[r][v], load(x + (i + r) * kPanel + v * kLanes), write.made_by);
      }
      BELLMAN_UNROLL
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) store(dx + (i + r) * kPanel + v * kLanes, sum[r][v]);
    });
  });
}

// ---- forward, one sample: acting in one environment

void row(float* y, const float* x, const float* w, const float* b, DenseShape shape,
         Activation::Kind epilogue) {
  const Index I = shape.inputs, O = shape.outputs, whole = I / kLanes * kLanes;
  for (Index o = 0; o < O; o += kLanes) {
    Vec sum[kLanes];
    const float* at[kLanes];
    BELLMAN_UNROLL
    for (int r = 0; r < kLanes; ++r) {
      sum[r] = zero();
      at[r] = w + least(o + r, O - 1) * I;
    }
    for (Index k = 0; k < whole; k += kLanes) {
      const Vec x_k = load(x + k);
      BELLMAN_UNROLL
      for (int r = 0; r < kLanes; ++r) sum[r] = fma(load(at[r] + k), x_k, sum[r]);
    }
    if (whole < I) {
      const Vec x_k = load(x + whole);
      BELLMAN_UNROLL
      for (int r = 0; r < kLanes; ++r) sum[r] = fma(load_first(at[r] + whole, I - whole), x_k, sum[r]);
    }
    Vec result = add(sums_of_fours(sum), o + kLanes <= O ? load(b + o) : load_first(b + o, O - o));
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
}  // namespace bellman::cpu
