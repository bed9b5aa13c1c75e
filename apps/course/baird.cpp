#include "apps/course/baird.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "core/reference/reference_backend.h"

namespace bellman {
namespace {

using BairdFeatures = std::array<std::array<double, kBairdWeights>, kBairdStates>;

/// x (7,8): 2 w_i + w_8 in the first six states, w_7 + 2 w_8 in the seventh.
BairdFeatures baird_features() {
  BairdFeatures x{};
  for (std::size_t i = 0; i < 6; ++i) x[i][i] = 2, x[i][7] = 1;
  x[6][6] = 1, x[6][7] = 2;
  return x;
}

/// The chance of each state after any step of the policy.
std::array<double, kBairdStates> baird_next(const Baird& baird) {
  std::array<double, kBairdStates> p{};
  p.fill((1 - baird.solid) / 6);
  p[6] = baird.solid;
  return p;
}

std::array<double, kBairdStates> baird_weighting(const Baird& baird, BairdStates states) {
  if (states == BairdStates::kOnPolicy) return baird_next(baird);
  std::array<double, kBairdStates> d{};
  d.fill(1.0 / kBairdStates);
  return d;
}

SquareMatrix diagonal(const std::array<double, kBairdStates>& d) {
  SquareMatrix m(kBairdStates);
  for (std::size_t i = 0; i < kBairdStates; ++i) m(i, i) = d[i];
  return m;
}

/// x x^T: how much a step of one state's error moves another state's value.
SquareMatrix baird_kernel() {
  const BairdFeatures x = baird_features();
  SquareMatrix m(kBairdStates);
  for (std::size_t i = 0; i < kBairdStates; ++i)
    for (std::size_t j = 0; j < kBairdStates; ++j)
      for (std::size_t k = 0; k < kBairdWeights; ++k) m(i, j) += x[i][k] * x[j][k];
  return m;
}

/// gamma P - 1: TD errors of values, without rewards.
SquareMatrix baird_errors(const Baird& baird) {
  SquareMatrix m(kBairdStates, -1);
  const auto next = baird_next(baird);
  for (std::size_t i = 0; i < kBairdStates; ++i)
    for (std::size_t j = 0; j < kBairdStates; ++j) m(i, j) += baird.gamma * next[j];
  return m;
}

/// Leaves the values as they are.
SquareMatrix no_change() { return SquareMatrix(kBairdStates, 1); }

double norm_of(std::span<const float> numbers) {
  double squares = 0;
  for (const float number : numbers) squares += static_cast<double>(number) * number;
  return std::sqrt(squares);
}

}  // namespace

SquareMatrix operator*(const SquareMatrix& a, const SquareMatrix& b) {
  SquareMatrix c(a.n);
  for (std::size_t i = 0; i < a.n; ++i)
    for (std::size_t k = 0; k < a.n; ++k)
      for (std::size_t j = 0; j < a.n; ++j) c(i, j) += a(i, k) * b(k, j);
  return c;
}

SquareMatrix sum(const SquareMatrix& a, double factor, const SquareMatrix& b) {
  SquareMatrix c = a;
  for (std::size_t i = 0; i < c.values.size(); ++i) c.values[i] += factor * b.values[i];
  return c;
}

SquareMatrix transposed(const SquareMatrix& a) {
  SquareMatrix t(a.n);
  for (std::size_t i = 0; i < a.n; ++i)
    for (std::size_t j = 0; j < a.n; ++j) t(j, i) = a(i, j);
  return t;
}

double log_spectral_radius(SquareMatrix m) {
  double log_norm = 0, power = 1;  // of m^power, and what was divided out of it
  for (int squaring = 0; squaring < 40; ++squaring) {
    double norm = 0;
    for (const double x : m.values) norm = std::max(norm, std::abs(x));
    if (norm == 0) return -std::numeric_limits<double>::infinity();
    for (double& x : m.values) x /= norm;
    log_norm = 2 * (log_norm + std::log(norm));
    m = m * m;
    power *= 2;
  }
  return log_norm / power;
}

SquareMatrix baird_update(const Baird& baird, BairdStates states, BairdUpdate update) {
  const SquareMatrix errors = baird_errors(baird);
  const SquareMatrix weighted = diagonal(baird_weighting(baird, states)) * errors;
  if (update == BairdUpdate::kSemiGradient) return sum(no_change(), baird.alpha, baird_kernel() * weighted);
  return sum(no_change(), -baird.alpha, baird_kernel() * (transposed(errors) * weighted));
}

SquareMatrix baird_table_update(const Baird& baird) {
  return sum(no_change(), baird.alpha,
             diagonal(baird_weighting(baird, BairdStates::kAlike)) * baird_errors(baird));
}

SquareMatrix baird_monte_carlo_update(const Baird& baird) {
  return sum(no_change(), -baird.alpha,
             baird_kernel() * diagonal(baird_weighting(baird, BairdStates::kAlike)));
}

// With targets gamma P v-, an update is v <- K v + alpha G D gamma P v-, K = 1 - alpha G D. From v = v- on,
//   after C of them v = (K^C + (1 + K + ... + K^(C-1)) alpha G D gamma P) v-.
SquareMatrix baird_copied_update(const Baird& baird, Index copy_every) {
  const SquareMatrix k = baird_monte_carlo_update(baird);
  const SquareMatrix bootstrap =
      sum(baird_update(baird, BairdStates::kAlike, BairdUpdate::kSemiGradient), -1, k);
  SquareMatrix v = no_change();
  for (Index c = 0; c < copy_every; ++c) v = sum(k * v, 1, bootstrap);
  return v;
}

BairdRun run_baird(const Baird& baird, BairdStates states, BairdUpdate update, Index copy_every,
                   Index updates, const std::atomic<bool>& stop) {
  constexpr Index kS = kBairdStates, kW = kBairdWeights;
  ReferenceBackend<float> backend;
  std::array<float, kBairdStates * kBairdWeights> x{}, next_x{};
  std::array<float, kBairdStates> weighting{}, gammas{}, zeros{}, v{}, next_v{}, y{}, dv{}, next_dv{},
      td_error{};
  std::array<float, kBairdWeights> w = {1, 1, 1, 1, 1, 1, 10, 1}, copy = w, dw{};
  std::array<std::int32_t, kBairdStates> action{};
  std::array<std::int32_t, kGuardWords> guard{};
  float bias = 0, dbias = 0, loss = 0;
  const BairdFeatures features = baird_features();
  const auto next = baird_next(baird), d = baird_weighting(baird, states);
  for (std::size_t s = 0; s < kBairdStates; ++s) {
    weighting[s] = static_cast<float>(d[s] * kBairdStates);  // td_loss takes the mean over the states
    gammas[s] = static_cast<float>(baird.gamma);
    for (std::size_t k = 0; k < kBairdWeights; ++k) {
      x[s * kBairdWeights + k] = static_cast<float>(features[s][k]);
      double expected = 0;  // a linear function of the next state's expected features is its expected value
      for (std::size_t n = 0; n < kBairdStates; ++n) expected += next[n] * features[n][k];
      next_x[s * kBairdWeights + k] = static_cast<float>(expected);
    }
  }
  const Tensor in = {x.data(), {kS, kW}}, next_in = {next_x.data(), {kS, kW}}, weights = {w.data(), {1, kW}},
               target = {copy.data(), {1, kW}}, b = {&bias, {1}}, out = {v.data(), {kS, 1}},
               next_out = {next_v.data(), {kS, 1}}, dout = {dv.data(), {kS, 1}},
               next_dout = {next_dv.data(), {kS, 1}}, dweights = {dw.data(), {1, kW}}, db = {&dbias, {1}};
  BairdRun run;
  for (Index t = 0; t < updates && !stop; ++t) {
    if (t % copy_every == 0) copy = w;
    run.norms.push_back(norm_of(w));
    backend.dense_forward(next_out, next_in, target, b);
    backend.td_target({y.data(), {kS}},
                      {next_out, {}, {zeros.data(), {kS}}, {gammas.data(), {kS}}, {zeros.data(), {kS}}});
    backend.dense_forward(out, in, weights, b);
    run.value_norms.push_back(norm_of(v));
    backend.td_loss(dout, {td_error.data(), {kS}}, {&loss, {1}}, out, {action.data(), {kS}}, {y.data(), {kS}},
                    {weighting.data(), {kS}}, LossKind::kMeanSquaredError, 1);
    dw.fill(0);
    backend.dense_backward({}, dweights, db, dout, in, weights);
    if (update == BairdUpdate::kResidualGradient) {  // the gradient also flows through the target
      for (std::size_t s = 0; s < kBairdStates; ++s) next_dv[s] = -gammas[s] * dv[s];
      backend.dense_backward({}, dweights, db, next_dout, next_in, weights);
    }
    backend.guard_step({guard.data(), {kGuardWords}}, {&loss, {1}}, dweights, SkipPolicy::kForGood);
    if (guard[kHeld] != 0) {
      run.overflow = t;
      break;
    }
    // The loss's gradient has a factor of 2 that the update does not.
    backend.sgd_step(weights, {}, dweights, static_cast<float>(baird.alpha / 2), t + 1, {},
                     {guard.data(), {kGuardWords}});
  }
  return run;
}

}  // namespace bellman
