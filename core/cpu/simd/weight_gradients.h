// The gradients of a dense layer's weights and biases, over all panels.
// A part of kernels.cpp, which explains it.
#pragma once

#include "core/cpu/simd/tile.h"

namespace bellman::cpu {
namespace {

/// Columns 0 .. width of dw, whose rows are I apart.
template <int V>
void few_weight_columns(float* dw, const float* dy, const float* xt, DenseShape shape, Index width,
                        Index batch) {
  const Index I = shape.inputs, O = shape.outputs;
  for_tiles(O, [=]<int R>(Int<R>, Index o) BELLMAN_INLINE_LAMBDA {
    Vec sum[R][V];
    BELLMAN_UNROLL
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v) sum[r][v] = zero();
    const float* rows = dy + o * kPanel;
    for (Index n = 0; n < batch; n += kPanel, rows += O * kPanel)
      multiply(sum, PanelRows{rows}, xt + n * kPanel, least(kPanel, batch - n));
    float* to = dw + o * I;
    BELLMAN_UNROLL
    for (int r = 0; r < R; ++r, to += I) {
      BELLMAN_UNROLL
      for (int v = 0; v + 1 < V; ++v) store(to + v * kLanes, sum[r][v]);
      const Index rest = width - (V - 1) * kLanes;
      if (rest == kLanes)
        store(to + (V - 1) * kLanes, sum[r][V - 1]);
      else
        store_first(to + (V - 1) * kLanes, sum[r][V - 1], rest);
    }
  });
}

/// Two sets of features, seen as rows of numbers over all samples.
struct Panels {
  const float* data;
  Index features;
};

/// Where feature i + r of a panel begins, for r < R. kWhole: all of them exist; otherwise the last feature
/// stands in for those that do not.
template <bool kWhole>
BELLMAN_INLINE Index row_offset(const Panels& panels, Index i, int r) {
  return kWhole ? (i + r) * kPanel : least(i + r, panels.features - 1) * kPanel;
}

/// c[i * i_stride + j * j_stride] = sum over samples of a[i] b[j] for a's features i .. i+R and b's j .. j+S,
/// R S = kLanes.
template <int R, int S, bool kWhole>
void dots(float* c, Index i_stride, Index j_stride, Panels a, Panels b, Index i, Index j, Index batch) {
  Vec sum[kLanes];
  BELLMAN_UNROLL
  for (Vec& s : sum) s = zero();
  for (Index n = 0; n < batch; n += kLanes) {
    const Index panel = n / kPanel, lane = n % kPanel;
    const float* b_j = b.data + (panel * b.features + j) * kPanel + lane;
    const float* a_panel = a.data + panel * a.features * kPanel + lane;
    Vec b_n[S];
    BELLMAN_UNROLL
    for (int s = 0; s < S; ++s) b_n[s] = load(b_j + s * kPanel);
    BELLMAN_UNROLL
    for (int r = 0; r < R; ++r) {
      const Vec a_n = load(a_panel + row_offset<kWhole>(a, i, r));
      BELLMAN_UNROLL
      for (int s = 0; s < S; ++s) sum[r * S + s] = fma(a_n, b_n[s], sum[r * S + s]);
    }
  }
  const Vec total = sums_of_fours(sum);
  if (kWhole && j_stride == 1 && i_stride == S) return store(c + i * i_stride, total);
  float result[kLanes];
  store(result, total);
  const Index rows = least(R, a.features - i);
  for (Index r = 0; r < rows; ++r)
    for (int s = 0; s < S; ++s) c[(i + r) * i_stride + (j + s) * j_stride] = result[r * S + s];
}

template <int S>
void dots_down(float* c, Index i_stride, Index j_stride, Panels a, Panels b, Index j, Index batch) {
  constexpr int R = kLanes / S;
  Index i = 0;
  for (; i + R <= a.features; i += R) dots<R, S, true>(c, i_stride, j_stride, a, b, i, j, batch);
  if (i < a.features) dots<R, S, false>(c, i_stride, j_stride, a, b, i, j, batch);
}

/// c[i, j] for all features of a, many, and of b, few.
void all_dots(float* c, Index i_stride, Index j_stride, Panels a, Panels b, Index batch) {
  Index j = 0;
  for (; j + 4 <= b.features; j += 4) dots_down<4>(c, i_stride, j_stride, a, b, j, batch);
  for (; j + 2 <= b.features; j += 2) dots_down<2>(c, i_stride, j_stride, a, b, j, batch);
  for (; j < b.features; ++j) dots_down<1>(c, i_stride, j_stride, a, b, j, batch);
}

/// db[o .. o + kLanes) = the sums over samples of dy.
template <bool kWhole>
Vec bias_gradients(Panels dy, Index o, Index batch) {
  Vec sum[kLanes];
  BELLMAN_UNROLL
  for (Vec& s : sum) s = zero();
  for (Index n = 0; n < batch; n += kLanes) {
    const float* panel = dy.data + n / kPanel * dy.features * kPanel + n % kPanel;
    BELLMAN_UNROLL
    for (int r = 0; r < kLanes; ++r) sum[r] = add(sum[r], load(panel + row_offset<kWhole>(dy, o, r)));
  }
  return sums_of_fours(sum);
}

constexpr int kNarrow = kLanes / 2;

void weight_columns(float* dw, const float* dy, const float* xt, DenseShape shape, Index first, Index batch) {
  const Index width = least(kPanel, shape.inputs - first);
  with_vectors(width, [=]<int V>(Int<V>) BELLMAN_INLINE_LAMBDA {
    few_weight_columns<V>(dw + first, dy, xt, shape, width, batch);
  });
}

void narrow_weights(float* dw, const float* dy, const float* x, DenseShape shape, Index batch) {
  const Index I = shape.inputs, O = shape.outputs;
  if (O < I)
    all_dots(dw, 1, I, {x, I}, {dy, O}, batch);
  else
    all_dots(dw, I, 1, {dy, O}, {x, I}, batch);
}

void biases(float* db, const float* dy, Index outputs, Index batch) {
  const Panels panels = {dy, outputs};
  Index o = 0;
  for (; o + kLanes <= outputs; o += kLanes) store(db + o, bias_gradients<true>(panels, o, batch));
  if (o < outputs) store_first(db + o, bias_gradients<false>(panels, o, batch), outputs - o);
}

}  // namespace
}  // namespace bellman::cpu
