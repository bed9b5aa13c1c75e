// The dueling head, TD targets and loss of one panel, and Adam.
// A part of kernels.cpp, which explains it.
#pragma once

#include "core/base/vec.h"
#include "core/cpu/simd/tile.h"

namespace bellman::cpu {
namespace {

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

BELLMAN_INLINE Vec load_up_to(const float* p, Index n) { return n >= kLanes ? load(p) : load_first(p, n); }
BELLMAN_INLINE void store_up_to(float* p, Vec v, Index n) {
  if (n >= kLanes)
    store(p, v);
  else
    store_first(p, v, n);
}

/// l(d) and l'(d).
struct Loss {
  Vec value, slope;
};
BELLMAN_INLINE Loss loss_of(Vec d, bool huber, float delta) {
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
    Vec best = load(panel.chooser_q + lane), value = load(panel.target_q + lane),
        taken = load(panel.q + lane);
    const Vec action = load_up_to(panel.action + lane, left);
    for (Index a = 1; a < panel.actions; ++a) {
      const Index at = a * kPanel + lane;
      const Vec candidate = load(panel.chooser_q + at);
      const Mask better = greater(candidate, best);
      best = select(better, candidate, best);
      value = select(better, load(panel.target_q + at), value);
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

// 0 x is 0, but NaN for NaN and infinities: a sum of such products is 0 as long as all x are finite.
BELLMAN_INLINE bool all_zero(Vec v) {
  float lanes[kLanes];
  store(lanes, v);
  for (const float lane : lanes)
    if (!(lane == 0)) return false;
  return true;
}

bool finite(const float* x, Index n) {
  Vec watch[2] = {zero(), zero()};
  for (Index i = 0; i < n; i += 16) {
    for (Index k = 0; k < 16; k += kLanes) {
      Vec& sum = watch[k / kLanes % 2];
      sum = fma(load(x + i + k), zero(), sum);
    }
  }
  return all_zero(add(watch[0], watch[1]));
}

bool adam(float* p, float* m, float* v, const float* g, Index n, const AdamFactors& f) {
  const Vec beta1 = broadcast(f.beta1), rest1 = broadcast(f.one_minus_beta1);
  const Vec beta2 = broadcast(f.beta2), rest2 = broadcast(f.one_minus_beta2);
  const Vec epsilon = broadcast(f.epsilon), step_size = broadcast(f.step_size);
  const Vec root_correction = broadcast(f.inverse_root_correction2);
  const Vec l2 = broadcast(f.l2), shrink = broadcast(f.shrink), scale = broadcast(f.gradient_scale);
  Vec watch = zero();
  for (Index i = 0; i < n; i += kLanes) {
    const Vec p_i = load(p + i);
    const Vec gradient = fma(l2, p_i, mul(scale, load(g + i)));
    const Vec m_i = fma(beta1, load(m + i), mul(rest1, gradient));
    const Vec v_i = fma(mul(rest2, gradient), gradient, mul(beta2, load(v + i)));
    const Vec step = div(mul(step_size, m_i), fma(root(v_i), root_correction, epsilon));
    const Vec result = fms(shrink, p_i, step);
    store(m + i, m_i);
    store(v + i, v_i);
    store(p + i, result);
    watch = fma(m_i, zero(), fma(v_i, zero(), fma(result, zero(), watch)));
  }
  return all_zero(watch);
}

/// In an order that holds for every instruction set: 32 sums, each of every 32nd number; then in pairs, down to eight.
double sum_of_squares(const float* g, Index n) {
  constexpr int kVectors = 16 / kDoubleLanes;
  using Narrow = VecOf<float, kDoubleLanes>::type;
  DoubleVec sum[2][kVectors] = {};
  for (Index i = 0; i < n; i += 16) {
    DoubleVec* const to = sum[i / 16 % 2];
    BELLMAN_UNROLL
    for (int j = 0; j < kVectors; ++j) {
      const DoubleVec x = __builtin_convertvector(load<Narrow>(g + i + j * kDoubleLanes), DoubleVec);
      to[j] += x * x;
    }
  }
  double total = 0;
  for (int j = 0; j < kVectors / 2; ++j) {
    const DoubleVec sums = (sum[0][j] + sum[0][j + kVectors / 2]) + (sum[1][j] + sum[1][j + kVectors / 2]);
    for (int lane = 0; lane < kDoubleLanes; ++lane) total += sums[lane];
  }
  return total;
}

}  // namespace
}  // namespace bellman::cpu
