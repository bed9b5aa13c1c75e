// What the numbers of a learn step are sums of, with every term taken absolute: the scale of its rounding
// errors.
//
// A network of dense layers, ReLU and tanh, and its backward pass, are sums of products. With u = 2^-24, a
// sum of products that was computed in any order is off by gamma_n times the sum of the terms' magnitudes,
// for n roundings (Higham 2002, section 3.1), and an error in a term passes on by what it is multiplied with.
// So the same passes over absolute values, with f(x) = x for both activations (|f(x) - f(y)| <= |x - y|) and
// slope 1, bound all errors to first order, when multiplied by gamma of the roundings on the longest way.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/cpu/fused/plan.h"
#include "tests/rl/learner_bench.h"

namespace bellman::test {

class LearnStepMagnitudes {
 public:
  /// Of the bench's first `batch` transitions with its present networks.
  template <class AnyLearner>
  LearnStepMagnitudes(const LearnerBench<AnyLearner>& bench, Index batch)
      : plan_(cpu::fused::plan_of(bench.network)), batch_(batch) {
    const auto online = absolute(bench.learner.online()), target = absolute(bench.learner.target());
    const std::vector<Rows> x = forward(online, ones(batch));  // observations are within [-1, 1]
    const std::vector<Rows> x_online = x;
    const std::vector<Rows> x_next = forward(target, ones(batch));
    std::vector<Rows> dx = x;
    for (Rows& rows : dx) std::fill(rows.begin(), rows.end(), 0.0);
    const auto actions = static_cast<std::size_t>(plan_.actions());
    for (std::size_t n = 0; n < static_cast<std::size_t>(batch); ++n) {
      double next = 0;
      for (std::size_t a = 0; a < actions; ++a)
        next = std::max({next, x_next[plan_.q][n * actions + a], x_online[plan_.q][n * actions + a]});
      const auto taken = n * actions + static_cast<std::size_t>(bench.arrays.actions[n]);
      const double error = 1 + next + x[plan_.q][taken];
      td_error.push_back(error);
      dx[plan_.q][taken] = 2 * error / static_cast<double>(batch);
      loss += 2 * error * error / static_cast<double>(batch);
      q += 2 * error / static_cast<double>(batch);
    }
    backward(online, x, dx);
  }

  std::vector<double> td_error;  // (B)
  std::vector<double> gradient;  // in the arena's layout
  double loss = 0, q = 0;
  double terms = 16;  // roundings on the longest way; the target's and the loss's own

  static std::vector<double> times(std::vector<double> magnitudes, double factor) {
    for (double& m : magnitudes) m *= factor;
    return magnitudes;
  }

 private:
  using Rows = std::vector<double>;  // (B, features)

  static std::vector<double> absolute(const Arena& arena) {
    std::vector<double> values;
    for (const float p : arena.flat().host()) values.push_back(std::abs(static_cast<double>(p)));
    return values;
  }
  Rows ones(Index batch) const { return Rows(static_cast<std::size_t>(batch * plan_.inputs()), 1.0); }

  std::vector<Rows> forward(const std::vector<double>& parameters, const Rows& input) {
    std::vector<Rows> x;
    for (const Index features : plan_.features) x.emplace_back(static_cast<std::size_t>(batch_ * features));
    x[0] = input;
    for (const cpu::fused::DenseStep& step : plan_.steps) {
      const auto [I, O] = step.shape;
      terms += static_cast<double>(I + 1);
      for (Index n = 0; n < batch_; ++n)
        for (Index o = 0; o < O; ++o) {
          double sum = parameters[static_cast<std::size_t>(step.bias + o)];
          const double* w = &parameters[static_cast<std::size_t>(step.weight + o * I)];
          const double* from = &x[step.from][static_cast<std::size_t>(n * I)];
          for (Index i = 0; i < I; ++i) sum += w[i] * from[i];
          x[step.to][static_cast<std::size_t>(n * O + o)] = sum;
        }
    }
    if (plan_.dueling) join_streams(x);
    return x;
  }

  void join_streams(std::vector<Rows>& x) {
    const auto A = static_cast<std::size_t>(plan_.actions());
    terms += static_cast<double>(A + 2);
    for (std::size_t n = 0; n < static_cast<std::size_t>(batch_); ++n) {
      double mean = 0;
      for (std::size_t a = 0; a < A; ++a) mean += x[plan_.advantage][n * A + a] / static_cast<double>(A);
      for (std::size_t a = 0; a < A; ++a)
        x[plan_.q][n * A + a] = x[plan_.value][n] + x[plan_.advantage][n * A + a] + mean;
    }
  }

  void backward(const std::vector<double>& parameters, const std::vector<Rows>& x, std::vector<Rows>& dx) {
    gradient.assign(parameters.size(), 0.0);
    if (plan_.dueling) split_streams(dx);
    for (std::size_t s = plan_.steps.size(); s-- > 0;) {
      const cpu::fused::DenseStep& step = plan_.steps[s];
      const auto [I, O] = step.shape;
      terms += static_cast<double>(O);
      const bool is_tanh = step.epilogue == cpu::fused::Epilogue::kTanh;
      for (Index n = 0; n < batch_; ++n)
        for (Index o = 0; o < O; ++o) {
          const auto at = static_cast<std::size_t>(n * O + o);
          // tanh's slope 1 - y^2 is off by twice what y is off.
          const double dy = dx[step.to][at] * (is_tanh ? 1 + 2 * x[step.to][at] : 1);
          if (dy == 0) continue;
          gradient[static_cast<std::size_t>(step.bias + o)] += dy;
          for (Index i = 0; i < I; ++i) {
            const auto w = static_cast<std::size_t>(step.weight + o * I + i),
                       from = static_cast<std::size_t>(n * I + i);
            gradient[w] += dy * x[step.from][from];
            dx[step.from][from] += dy * parameters[w];
          }
        }
    }
    terms += static_cast<double>(batch_);
  }

  void split_streams(std::vector<Rows>& dx) {
    const auto A = static_cast<std::size_t>(plan_.actions());
    terms += static_cast<double>(A + 2);
    for (std::size_t n = 0; n < static_cast<std::size_t>(batch_); ++n) {
      double sum = 0;
      for (std::size_t a = 0; a < A; ++a) sum += dx[plan_.q][n * A + a];
      dx[plan_.value][n] = sum;
      for (std::size_t a = 0; a < A; ++a)
        dx[plan_.advantage][n * A + a] = dx[plan_.q][n * A + a] + sum / static_cast<double>(A);
    }
  }

  cpu::fused::Plan plan_;
  Index batch_;
};

}  // namespace bellman::test
