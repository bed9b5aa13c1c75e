// What the numbers of a learn step are sums of, with every term taken absolute: the scale of its rounding
// errors.
//
// A network of dense layers, ReLU and tanh, and its backward pass, are sums of products. With u = 2^-24, a
// sum of products in any order is off by gamma_n times the sum of the terms' magnitudes,
// for n roundings (Higham 2002, section 3.1), and an error in a term passes on by what it is multiplied with.
// So the same passes over absolute values, with f(x) = x for both activations (|f(x) - f(y)| <= |x - y|) and
// slope 1, bound all errors to first order, when multiplied by gamma of the roundings on the longest way.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/nn/dense_chain.h"

namespace bellman::test {

/// For a batch of the actions taken, whose observations, rewards, discounts and weights are within [-1, 1].
class LearnStepMagnitudes {
 public:
  LearnStepMagnitudes(DenseChain chain, std::span<const float> online, std::span<const float> target,
                      std::span<const std::int32_t> actions)
      : chain_(std::move(chain)) {
    const Pass s = forward(absolute(online)), next = forward(absolute(target));
    gradient.assign(online.size(), 0.0);
    const double batch = static_cast<double>(actions.size());
    for (const std::int32_t action : actions) {
      const auto a = static_cast<std::size_t>(action);
      const double judged = std::max(*std::max_element(next.q.begin(), next.q.end()),
                                     *std::max_element(s.q.begin(), s.q.end()));
      const double error = 1 + judged + s.q[a];
      td_error.push_back(error);
      loss += 2 * error * error / batch;
      q += s.q[a] / batch;
      backward(absolute(online), s, a, 2 * error / batch);
    }
    terms += batch;
    if (!chain_.value.empty()) terms += 3 * static_cast<double>(chain_.actions + 2);
    for (const auto* layers : {&chain_.trunk, &chain_.value, &chain_.advantage})
      for (const DenseChain::Dense& layer : *layers)
        terms += static_cast<double>(2 * layer.inputs + layer.outputs + 2);
  }

  std::vector<double> td_error;  // (B)
  std::vector<double> gradient;  // in the arena's layout
  double loss = 0, q = 0;        // means over the batch
  double terms = 16;             // roundings on the longest way; the target's and the loss's own

  static std::vector<double> times(std::vector<double> magnitudes, double factor) {
    for (double& m : magnitudes) m *= factor;
    return magnitudes;
  }

 private:
  using Numbers = std::vector<double>;
  /// The inputs of each layer, all samples being the same: observations of 1.
  struct Pass {
    std::vector<Numbers> trunk, value, advantage;
    Numbers q;
  };

  static Numbers absolute(std::span<const float> values) {
    Numbers all;
    for (const float value : values) all.push_back(std::abs(static_cast<double>(value)));
    return all;
  }

  static Numbers run(std::vector<Numbers>& inputs, const std::vector<DenseChain::Dense>& layers,
                     const Numbers& parameters, Numbers x) {
    for (const DenseChain::Dense& layer : layers) {
      Numbers y;
      for (Index o = 0; o < layer.outputs; ++o) {
        double sum = parameters[static_cast<std::size_t>(layer.bias + o)];
        for (Index i = 0; i < layer.inputs; ++i)
          sum += parameters[static_cast<std::size_t>(layer.weight + o * layer.inputs + i)] *
                 x[static_cast<std::size_t>(i)];
        y.push_back(sum);
      }
      inputs.push_back(std::move(x));
      x = std::move(y);
    }
    return x;
  }

  Pass forward(const Numbers& parameters) const {
    Pass pass;
    pass.q = run(pass.trunk, chain_.trunk, parameters, Numbers(static_cast<std::size_t>(chain_.inputs), 1.0));
    if (chain_.value.empty()) return pass;
    const Numbers value = run(pass.value, chain_.value, parameters, pass.q);
    Numbers advantage = run(pass.advantage, chain_.advantage, parameters, pass.q);
    double mean = 0;
    for (const double a : advantage) mean += a / static_cast<double>(advantage.size());
    for (double& a : advantage) a += value[0] + mean;
    pass.q = advantage;
    return pass;
  }

  /// Adds to the gradient; returns dL/dx of the first layer.
  Numbers run_backward(const std::vector<Numbers>& inputs, const std::vector<DenseChain::Dense>& layers,
                       const Numbers& parameters, Numbers dy) {
    for (std::size_t l = layers.size(); l-- > 0;) {
      const DenseChain::Dense& layer = layers[l];
      Numbers dx(static_cast<std::size_t>(layer.inputs), 0.0);
      for (Index o = 0; o < layer.outputs; ++o) {
        const double d = dy[static_cast<std::size_t>(o)];
        gradient[static_cast<std::size_t>(layer.bias + o)] += d;
        for (Index i = 0; i < layer.inputs; ++i) {
          const auto w = static_cast<std::size_t>(layer.weight + o * layer.inputs + i);
          gradient[w] += d * inputs[l][static_cast<std::size_t>(i)];
          dx[static_cast<std::size_t>(i)] += d * parameters[w];
        }
      }
      // tanh's slope 1 - y^2 is off by twice what y is off.
      if (l > 0 && layers[l - 1].after == Activation::kTanh)
        for (std::size_t i = 0; i < dx.size(); ++i) dx[i] *= 1 + 2 * inputs[l][i];
      dy = std::move(dx);
    }
    return dy;
  }

  void backward(const Numbers& parameters, const Pass& pass, std::size_t action, double slope) {
    Numbers dy(static_cast<std::size_t>(chain_.actions), 0.0);
    dy[action] = slope;
    if (!chain_.value.empty()) {
      for (double& d : dy) d += slope / static_cast<double>(dy.size());
      dy = run_backward(pass.advantage, chain_.advantage, parameters, dy);
      const Numbers other = run_backward(pass.value, chain_.value, parameters, {slope});
      for (std::size_t i = 0; i < dy.size(); ++i) dy[i] += other[i];
      if (!chain_.trunk.empty() && chain_.trunk.back().after == Activation::kTanh)
        for (std::size_t i = 0; i < dy.size(); ++i) dy[i] *= 1 + 2 * pass.value[0][i];
    }
    run_backward(pass.trunk, chain_.trunk, parameters, dy);
  }

  DenseChain chain_;
};

/// How far the clipped gradients of two learners may be apart, each off by `bound` before clipping.
inline std::vector<double> clipped_bounds(const std::vector<double>& bound, std::span<const float> clipped,
                                          double norm, double max_norm) {
  if (!(max_norm > 0) || norm <= max_norm) return bound;
  double squares = 0;
  for (const double b : bound) squares += b * b;
  const double scale = max_norm / norm, relative = std::sqrt(squares) / norm;
  std::vector<double> result;
  for (std::size_t i = 0; i < bound.size(); ++i)
    result.push_back(bound[i] * scale + std::abs(static_cast<double>(clipped[i])) * (relative + 8 * 0x1p-24));
  return result;
}

}  // namespace bellman::test
