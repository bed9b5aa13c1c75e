// The one source of the kernels (kernels.h), included by one .cpp for each instruction set, after the vector
// it is written in: Vec of kLanes floats, kTileRows rows of a register tile.
//
// Blocking. A panel (two vectors of samples) is the unit of all passes; it stays in the first cache through
// the whole network, forward and back. The weights stream past it from wherever they lie. Only the gradients
// of the weights, sums over all samples, need all panels at once.
//
// Register tile. kTileRows x 2 vectors of the result stay in registers while the sum runs:
//
//                              right[k], 2 vectors of a panel
//                              ------------
//   left[i  ][k]  broadcast    |  c  |  c |
//   left[i+1][k]  broadcast    |  c  |  c |       each step of k: 2 loads, kTileRows broadcasts,
//      ...                     |     |    |       2 kTileRows fused multiply-adds
//
//   y(O,n)  = w(O,I) x(I,n)            left: rows of w       right: a feature panel of x
//   dx(I,n) = w(O,I)^T dy(O,n)         left: columns of w    right: a feature panel of dy
//   dw(O,I) = dy(O,n) x(n,I)           left: rows of dy      right: a sample panel of x
//
// Left operands are broadcast one number at a time, so that it does not matter how they lie: the weights are
// read where the arena has them, row-major, in both directions. Right operands are panels, and every epilogue
// writes its result as the panel that the next product reads. So nothing is packed: not the weights, which
// change at every step, nor the activations, but for one transpose of a layer's input for dw (2 % of its
// time).
//
// Epilogue. While the tile is still in registers: the bias (sums start from it), ReLU; on the way back, the
// slope of the ReLU or tanh below, so that no activation is a pass of its own (tanh's forward pass is one,
// over a panel in the first cache).
//
// Narrow layers (4 inputs, 2 actions) would leave most of a vector of dw empty. Their dw are dot products
// along the samples: kLanes of them at a time, whose vectors of partial sums are then added up across lanes
// together.
//
// Sums run over k from the first to the last; results do not depend on the number of lanes, but for dot
// products.
//
// Functions here are in an unnamed namespace and call nothing of the standard library: an inline function
// with external linkage that was compiled for AVX-512 could be the one the linker keeps for the whole
// program.
#include "core/cpu/fused/kernels.h"

namespace bellman::cpu::fused {
namespace {

#if defined(__GNUC__)
#define BELLMAN_FUSED_INLINE inline __attribute__((always_inline))
#define BELLMAN_FUSED_INLINE_LAMBDA __attribute__((always_inline))
#define BELLMAN_FUSED_UNROLL _Pragma("GCC unroll 16")
#else
#define BELLMAN_FUSED_INLINE inline
#define BELLMAN_FUSED_INLINE_LAMBDA
#define BELLMAN_FUSED_UNROLL
#endif

constexpr Index kPanel = 2 * kLanes;

template <int N>
struct Int {
  static constexpr int value = N;
};

BELLMAN_FUSED_INLINE Index least(Index a, Index b) { return a < b ? a : b; }

// ---- left operands: at(r) is row r of the tile at the present k

struct WeightRows {  // left[i][k] = w[i][k]
  const float* w;
  Index inputs;
  BELLMAN_FUSED_INLINE float at(int r) const { return w[r * inputs]; }
  BELLMAN_FUSED_INLINE void next() { ++w; }
};

struct WeightColumns {  // left[i][k] = w[k][i]
  const float* w;
  Index inputs;
  BELLMAN_FUSED_INLINE float at(int r) const { return w[r]; }
  BELLMAN_FUSED_INLINE void next() { w += inputs; }
};

struct PanelRows {  // left[i][k] = dy[i][lane k]
  const float* dy;
  BELLMAN_FUSED_INLINE float at(int r) const { return dy[r * kPanel]; }
  BELLMAN_FUSED_INLINE void next() { ++dy; }
};

// ---- the register tile

/// sum[r][v] += sum over `depth` steps of left[r][k] right[k][v].
template <int R, int V, class Left>
BELLMAN_FUSED_INLINE void multiply(Vec (&sum)[R][V], Left left, const float* right, Index depth) {
  for (Index k = depth; k > 0; --k, right += kPanel, left.next()) {
    Vec right_k[V];
    BELLMAN_FUSED_UNROLL
    for (int v = 0; v < V; ++v) right_k[v] = load(right + v * kLanes);
    BELLMAN_FUSED_UNROLL
    for (int r = 0; r < R; ++r) {
      const Vec left_k = broadcast(left.at(r));
      BELLMAN_FUSED_UNROLL
      for (int v = 0; v < V; ++v) sum[r][v] = fma(left_k, right_k[v], sum[r][v]);
    }
  }
}

/// f(Int<rows>, i) for the tiles that `rows` rows make; only the last has fewer than kTileRows.
template <int R, class F>
BELLMAN_FUSED_INLINE void last_tile(Index i, Index rows, F& f) {
  if constexpr (R > 0) {
    if (rows == R)
      f(Int<R>(), i);
    else
      last_tile<R - 1>(i, rows, f);
  }
}

template <class F>
BELLMAN_FUSED_INLINE void for_tiles(Index rows, F f) {
  Index i = 0;
  for (; i + kTileRows <= rows; i += kTileRows) f(Int<kTileRows>(), i);
  last_tile<kTileRows - 1>(i, rows - i, f);
}

/// f(Int<V>) for the vectors of a panel that hold `samples` samples.
template <class F>
BELLMAN_FUSED_INLINE void with_vectors(Index samples, F f) {
  if (samples > kLanes)
    f(Int<2>());
  else
    f(Int<1>());
}

// ---- tanh

// tanh x = (e^2x - 1) / (e^2x + 1) = E / (E + 2) for E = e^2x - 1 = 2^n (e^r - 1) + (2^n - 1), where 2x = n
// log 2
// + r and |r| <= log 2 / 2. No term cancels for x >= 0, and tanh is odd. Off by at most 3 in the last place.
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
             Epilogue epilogue) {
  const Index I = shape.inputs;
  const bool relu_follows = epilogue == Epilogue::kRelu;
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
    if (epilogue == Epilogue::kTanh) tanh_of_panel<V>(y, shape.outputs);
  });
}

// ---- backward: dx

/// d times the slope at y = f(.): ReLU's is [y > 0], tanh's 1 - y^2.
BELLMAN_FUSED_INLINE Vec times_slope(Vec d, Vec y, Epilogue made_by) {
  if (made_by == Epilogue::kRelu) return select(greater(y, zero()), d, zero());
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
      if (write.made_by != Epilogue::kNone) {
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

// ---- backward: dw, db

/// Columns i .. i + width of dw, which one sample panel gives.
template <int V>
void weight_columns(float* dw, const float* dy, const float* xt, DenseShape shape, Index width, Index batch) {
  const Index I = shape.inputs, O = shape.outputs;
  for_tiles(O, [=]<int R>(Int<R>, Index o) BELLMAN_FUSED_INLINE_LAMBDA {
    Vec sum[R][V];
    BELLMAN_FUSED_UNROLL
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v) sum[r][v] = zero();
    const float* rows = dy + o * kPanel;
    for (Index n = 0; n < batch; n += kPanel, rows += O * kPanel)
      multiply(sum, PanelRows{rows}, xt + n * kPanel, least(kPanel, batch - n));
    float* to = dw + o * I;
    BELLMAN_FUSED_UNROLL
    for (int r = 0; r < R; ++r, to += I) {
      BELLMAN_FUSED_UNROLL
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
BELLMAN_FUSED_INLINE Index row_offset(const Panels& panels, Index i, int r) {
  return kWhole ? (i + r) * kPanel : least(i + r, panels.features - 1) * kPanel;
}

/// c[i * i_stride + j * j_stride] = sum over samples of a[i] b[j] for a's features i .. i+R and b's j .. j+S,
/// R S = kLanes.
template <int R, int S, bool kWhole>
void dots(float* c, Index i_stride, Index j_stride, Panels a, Panels b, Index i, Index j, Index batch) {
  Vec sum[kLanes];
  BELLMAN_FUSED_UNROLL
  for (Vec& s : sum) s = zero();
  for (Index n = 0; n < batch; n += kLanes) {
    const Index panel = n / kPanel, lane = n % kPanel;
    const float* b_j = b.data + (panel * b.features + j) * kPanel + lane;
    const float* a_panel = a.data + panel * a.features * kPanel + lane;
    Vec b_n[S];
    BELLMAN_FUSED_UNROLL
    for (int s = 0; s < S; ++s) b_n[s] = load(b_j + s * kPanel);
    BELLMAN_FUSED_UNROLL
    for (int r = 0; r < R; ++r) {
      const Vec a_n = load(a_panel + row_offset<kWhole>(a, i, r));
      BELLMAN_FUSED_UNROLL
      for (int s = 0; s < S; ++s) sum[r * S + s] = fma(a_n, b_n[s], sum[r * S + s]);
    }
  }
  const Vec total = sums_of_lanes(sum);
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
  BELLMAN_FUSED_UNROLL
  for (Vec& s : sum) s = zero();
  for (Index n = 0; n < batch; n += kLanes) {
    const float* panel = dy.data + n / kPanel * dy.features * kPanel + n % kPanel;
    BELLMAN_FUSED_UNROLL
    for (int r = 0; r < kLanes; ++r) sum[r] = add(sum[r], load(panel + row_offset<kWhole>(dy, o, r)));
  }
  return sums_of_lanes(sum);
}

void bias_gradient(float* db, Panels dy, Index batch) {
  Index o = 0;
  for (; o + kLanes <= dy.features; o += kLanes) store(db + o, bias_gradients<true>(dy, o, batch));
  if (o < dy.features) store_first(db + o, bias_gradients<false>(dy, o, batch), dy.features - o);
}

constexpr int kNarrow = kLanes / 2;

void weight_gradient(float* dw, float* db, const float* dy, const float* x, const float* xt, Index rows,
                     DenseShape shape, Index batch) {
  const Index I = shape.inputs, O = shape.outputs;
  if (xt) {
    for (Index i = 0; i < I; i += kPanel, xt += rows * kPanel) {
      const Index width = least(kPanel, I - i);
      with_vectors(width, [=]<int V>(Int<V>) BELLMAN_FUSED_INLINE_LAMBDA {
        weight_columns<V>(dw + i, dy, xt, shape, width, batch);
      });
    }
  } else if (O < I) {
    all_dots(dw, 1, I, {x, I}, {dy, O}, batch);
  } else {
    all_dots(dw, I, 1, {dy, O}, {x, I}, batch);
  }
  bias_gradient(db, {dy, O},
                batch);  // afterwards: the products do not wait for dy, and leave it in the cache
}

void gather(float* panel, const float* rows, const Index* row, Index features, Index samples) {
  const Index fours = features / 4 * 4;
  for (Index n = 0; n < kPanel; n += kLanes) {
    const float* at[kLanes];
    for (int lane = 0; lane < kLanes; ++lane)
      at[lane] = rows + (n + lane < samples ? row[n + lane] * features : 0);
    if (n + kLanes <= samples) {
      for (Index i = 0; i < fours; i += 4) {
        Vec columns[4];
        columns_of_four(columns, at);
        for (int k = 0; k < 4; ++k) store(panel + (i + k) * kPanel + n, columns[k]);
        for (const float*& p : at) p += 4;
      }
      for (Index i = fours; i < features; ++i)
        for (int lane = 0; lane < kLanes; ++lane) panel[i * kPanel + n + lane] = *at[lane]++;
    } else {
      for (Index i = 0; i < features; ++i)
        for (int lane = 0; lane < kLanes; ++lane)
          panel[i * kPanel + n + lane] = n + lane < samples ? at[lane][i] : 0;
    }
  }
}

void transpose_panel(float* xt, Index rows, Index n, const float* x, Index features, Index samples) {
  for (Index i = 0; i < features; i += kLanes) {
    float* to = xt + (i / kPanel * rows + n) * kPanel + i % kPanel;
    for (Index lane = 0; lane < samples; lane += kLanes) {
      Vec block[kLanes];
      BELLMAN_FUSED_UNROLL
      for (int r = 0; r < kLanes; ++r)
        block[r] = i + r < features ? load(x + (i + r) * kPanel + lane) : zero();
      transpose(block);
      BELLMAN_FUSED_UNROLL
      for (int r = 0; r < kLanes; ++r) store(to + (lane + r) * kPanel, block[r]);
    }
  }
}

// ---- one sample

void row(float* y, const float* x, const float* w, const float* b, DenseShape shape, Epilogue epilogue) {
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
    if (epilogue == Epilogue::kRelu) result = relu(result);
    if (epilogue == Epilogue::kTanh) result = hyperbolic_tangent(result);
    if (o + kLanes <= O) {
      store(y + o, result);
    } else {
      store(y + o, zero());
      store_first(y + o, result, O - o);
    }
  }
}

// ---- the dueling head

void dueling_forward(float* q, const float* v, const float* a, Index actions, Index samples) {
  const Vec count = broadcast(static_cast<float>(actions));
  for (Index lane = 0; lane < samples; lane += kLanes) {
    Vec sum = zero();
    for (Index k = 0; k < actions; ++k) sum = add(sum, load(a + k * kPanel + lane));
    const Vec mean = div(sum, count), value = load(v + lane);
    for (Index k = 0; k < actions; ++k)
      store(q + k * kPanel + lane, sub(add(value, load(a + k * kPanel + lane)), mean));
  }
}

void dueling_backward(float* dv, float* da, const float* dq, Index actions, Index samples) {
  const Vec count = broadcast(static_cast<float>(actions));
  for (Index lane = 0; lane < samples; lane += kLanes) {
    Vec sum = zero();
    for (Index k = 0; k < actions; ++k) sum = add(sum, load(dq + k * kPanel + lane));
    store(dv + lane, sum);
    const Vec mean = div(sum, count);
    for (Index k = 0; k < actions; ++k)
      store(da + k * kPanel + lane, sub(load(dq + k * kPanel + lane), mean));
  }
}

// ---- targets and loss

BELLMAN_FUSED_INLINE Vec load_up_to(const float* p, Index n) {
  return n >= kLanes ? load(p) : load_first(p, n);
}
BELLMAN_FUSED_INLINE void store_up_to(float* p, Vec v, Index n) {
  if (n >= kLanes)
    store(p, v);
  else
    store_first(p, v, n);
}

/// l(d) and l'(d).
struct Loss {
  Vec value, slope;
};
BELLMAN_FUSED_INLINE Loss loss_of(Vec d, bool huber, float delta) {
  if (!huber) return {mul(d, d), mul(broadcast(2.0F), d)};
  const Vec size = absolute(d), limit = broadcast(delta), half = broadcast(0.5F);
  const Vec beyond = mul(limit, sub(size, broadcast(delta / 2)));
  const Vec below = select(greater(broadcast(-delta), d), broadcast(-delta), d);  // a NaN stays one
  return {select(greater(size, limit), beyond, mul(mul(d, d), half)),
          select(greater(d, limit), limit, below)};
}

void td(const TdPanel& panel) {
  for (Index lane = 0; lane < panel.samples; lane += kLanes) {
    const Index left = panel.samples - lane;
    Vec best = load(panel.choose + lane), value = load(panel.judge + lane), taken = load(panel.q + lane);
    const Vec action = load_up_to(panel.action + lane, left);
    for (Index a = 1; a < panel.actions; ++a) {
      const Index at = a * kPanel + lane;
      const Vec candidate = load(panel.choose + at);
      const Mask better = greater(candidate, best);
      best = select(better, candidate, best);
      value = select(better, load(panel.judge + at), value);
      taken = select(equal(action, broadcast(static_cast<float>(a))), load(panel.q + at), taken);
    }
    const Vec bootstraps = sub(broadcast(1.0F), load_up_to(panel.terminated + lane, left));
    const Vec factor = mul(load_up_to(panel.discount + lane, left), bootstraps);
    const Vec y = add(load_up_to(panel.reward + lane, left), mul(factor, value));
    const Vec d = sub(y, taken), weight = load_up_to(panel.weight + lane, left);
    const Loss loss = loss_of(d, panel.huber, panel.delta);
    store_up_to(panel.td_error + lane, d, left);
    store_up_to(panel.loss + lane, mul(weight, loss.value), left);
    store_up_to(panel.q_taken + lane, taken, left);
    // Lanes without a sample have weight 0, but may have no finite d.
    const Vec slope = div(mul(sub(zero(), weight), loss.slope), broadcast(panel.batch));
    float gradient[kLanes] = {};
    store_up_to(gradient, slope, left);
    const Vec d_taken = load(gradient);
    for (Index a = 0; a < panel.actions; ++a)
      store(panel.dq + a * kPanel + lane,
            select(equal(action, broadcast(static_cast<float>(a))), d_taken, zero()));
  }
}

// ---- the optimiser

void adam(float* p, float* m, float* v, const float* g, Index n, const AdamFactors& f) {
  const Vec beta1 = broadcast(f.beta1), rest1 = broadcast(f.one_minus_beta1);
  const Vec beta2 = broadcast(f.beta2), rest2 = broadcast(f.one_minus_beta2);
  const Vec epsilon = broadcast(f.epsilon), step_size = broadcast(f.step_size);
  const Vec root_correction = broadcast(f.inverse_root_correction2);
  const Vec l2 = broadcast(f.l2), shrink = broadcast(f.shrink), scale = broadcast(f.gradient_scale);
  for (Index i = 0; i < n; i += kLanes) {
    const Vec p_i = load(p + i);
    const Vec gradient = fma(l2, p_i, mul(scale, load(g + i)));
    const Vec m_i = fma(beta1, load(m + i), mul(rest1, gradient));
    const Vec v_i = fma(mul(rest2, gradient), gradient, mul(beta2, load(v + i)));
    const Vec step = div(mul(step_size, m_i), fma(root(v_i), root_correction, epsilon));
    store(m + i, m_i);
    store(v + i, v_i);
    store(p + i, fms(shrink, p_i, step));
  }
}

double sum_of_squares(const float* g, Index n) {
  Squares squares;
  for (Index i = 0; i < n; i += 16) squares.add16(g + i, static_cast<int>(i / 16 % 2));
  return squares.total();
}

}  // namespace
}  // namespace bellman::cpu::fused

/// The kernels of the translation unit as a table.
#define BELLMAN_FUSED_KERNELS(name)                                                                \
  {                                                                                                \
    name, kPanel, kNarrow, forward, input_gradient, weight_gradient, transpose_panel, gather, row, \
        dueling_forward, dueling_backward, td, adam, sum_of_squares                                \
  }
