#include "apps/course/beam_walk.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace bellman {

BeamWalk::BeamWalk(const GridTask& task, std::uint64_t seed)
    : task_(task), random_({seed, Purpose::kEnvironment, 0}), state_(task.mdp.starts().front().state) {}

BeamWalk::Step BeamWalk::next() {
  const std::int32_t action = random_.uniform() < 0.5F ? 0 : 1;
  const Outcome& outcome = tabular_step(task_.mdp.table(), state_, action, random_.uniform(0, 1));
  const Step step = {state_, action, outcome.reward, outcome.terminated};
  state_ = outcome.terminated ? task_.mdp.starts().front().state : outcome.next;
  return step;
}

std::vector<double> exact_correlation(const GridTask& task, std::size_t lags) {
  const auto n = static_cast<std::size_t>(task.mdp.num_states());
  const auto start = static_cast<std::size_t>(task.mdp.starts().front().state);
  std::vector<double> to(n * n);  // (S,S): probability of the next step's state
  for (std::size_t s = 0; s < n; ++s)
    for (std::int32_t a = 0; a < 2; ++a)
      for (const Outcome& outcome : task.mdp.outcomes(static_cast<std::int32_t>(s), a))
        to[s * n + (outcome.terminated ? start : static_cast<std::size_t>(outcome.next))] +=
            outcome.probability / 2;
  // How often it is in each state. Steps to and fro alternate, so neighbouring distributions are averaged.
  std::vector<double> often(n), next(n);
  often[start] = 1;
  for (double change = 1; change > 1e-14;) {
    std::fill(next.begin(), next.end(), 0);
    for (std::size_t s = 0; s < n; ++s)
      for (std::size_t x = 0; x < n; ++x) next[x] += often[s] * (to[s * n + x] + (s == x ? 1 : 0)) / 2;
    change = 0;
    for (std::size_t s = 0; s < n; ++s) change += std::abs(next[s] - often[s]);
    often = next;
  }
  double mean = 0;
  for (std::size_t s = 0; s < n; ++s) mean += often[s] * static_cast<double>(s);
  std::vector<double> later(n), step(n),
      correlation;  // later: the expected cell after k steps, less the mean
  for (std::size_t s = 0; s < n; ++s) later[s] = static_cast<double>(s) - mean;
  for (std::size_t k = 0; k < lags; ++k) {
    double covariance = 0;
    for (std::size_t s = 0; s < n; ++s) covariance += often[s] * (static_cast<double>(s) - mean) * later[s];
    correlation.push_back(covariance);
    for (std::size_t s = 0; s < n; ++s) {
      step[s] = 0;
      for (std::size_t x = 0; x < n; ++x) step[s] += to[s * n + x] * later[x];
    }
    later.swap(step);
  }
  const double variance = correlation.front();
  for (double& c : correlation) c /= variance;
  return correlation;
}

std::vector<double> measured_correlation(std::span<const double> series, std::size_t lags) {
  double mean = 0;
  for (const double x : series) mean += x / static_cast<double>(series.size());
  std::vector<double> correlation;
  for (std::size_t k = 0; k < lags && k < series.size(); ++k) {
    double sum = 0;
    for (std::size_t t = 0; t + k < series.size(); ++t) sum += (series[t] - mean) * (series[t + k] - mean);
    correlation.push_back(sum / static_cast<double>(series.size() - k));
  }
  const double variance = correlation.front();
  for (double& c : correlation) c /= variance;
  return correlation;
}

double independent_samples(std::span<const double> correlation, std::size_t n) {
  const auto count = static_cast<double>(n);
  double sum = 1;
  for (std::size_t k = 1; k < n; ++k) sum += 2 * (1 - static_cast<double>(k) / count) * correlation[k];
  return count / sum;
}

}  // namespace bellman
