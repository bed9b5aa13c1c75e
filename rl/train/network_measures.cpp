#include "rl/train/network_measures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

#include <Eigen/Core>
#include <Eigen/Eigenvalues>

namespace bellman {
namespace {

double real(float x) { return static_cast<double>(x); }

/// sum_(i<n) f(i), of eight running sums: one sum would wait for each addition before the next.
template <class F>
double sum_over(std::size_t n, const F& f) {
  constexpr std::size_t kSums = 8;
  std::array<double, kSums> sums{};
  std::size_t i = 0;
  for (; i + kSums <= n; i += kSums)
    for (std::size_t k = 0; k < kSums; ++k) sums[k] += f(i + k);
  for (std::size_t k = 0; i + k < n; ++k) sums[k] += f(i + k);
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace

double euclidean_norm(std::span<const float> x) {
  return std::sqrt(sum_over(x.size(), [&](std::size_t i) { return real(x[i]) * real(x[i]); }));
}

double euclidean_distance(std::span<const float> a, std::span<const float> b) {
  return std::sqrt(sum_over(a.size(), [&](std::size_t i) {
    const double difference = real(a[i]) - real(b[i]);
    return difference * difference;
  }));
}

double mean_distance(std::span<const float> a, std::span<const float> b) {
  const double sum = sum_over(a.size(), [&](std::size_t i) { return std::abs(real(a[i]) - real(b[i])); });
  return sum / static_cast<double>(a.size());
}

double lower_quantile(std::span<const double> ascending, double p) {
  return ascending[static_cast<std::size_t>(p * static_cast<double>(ascending.size() - 1))];
}

std::vector<double> activities(std::span<const float> outputs, Index batch) {
  const std::size_t width = outputs.size() / static_cast<std::size_t>(batch);
  std::vector<double> means(width, 0.0);
  for (std::size_t begin = 0; begin < outputs.size(); begin += width)
    for (std::size_t i = 0; i < width; ++i) means[i] += std::abs(real(outputs[begin + i]));
  for (double& mean : means) mean /= static_cast<double>(batch);
  return means;
}

double dead_share(std::span<const double> activities) {
  return static_cast<double>(std::ranges::count(activities, 0.0)) / static_cast<double>(activities.size());
}

double dormant_share(std::span<const double> activities, Index units, double tau) {
  const std::size_t count = static_cast<std::size_t>(units), positions = activities.size() / count;
  std::vector<double> sums(count, 0.0);
  for (std::size_t i = 0; i < activities.size(); ++i) sums[i / positions] += activities[i];
  const double mean = std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(units);
  const auto dormant = std::ranges::count_if(sums, [&](double sum) { return sum <= tau * mean; });
  return static_cast<double>(dormant) / static_cast<double>(units);
}

double effective_sample_size(std::span<const float> weights) {
  double sum = 0, squares = 0;
  for (const float w : weights) sum += real(w), squares += real(w) * real(w);
  return squares > 0 ? sum * sum / squares : std::numeric_limits<double>::quiet_NaN();
}

Index effective_rank(std::span<const float> features, Index batch, double delta) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto rows = static_cast<Eigen::Index>(batch),
             columns = static_cast<Eigen::Index>(features.size()) / rows;
  const Eigen::MatrixXd f = Eigen::Map<const Matrix>(features.data(), rows, columns).cast<double>();
  const Eigen::MatrixXd products =
      rows < columns ? Eigen::MatrixXd(f * f.transpose()) : Eigen::MatrixXd(f.transpose() * f);
  const Eigen::VectorXd squares =  // ascending
      Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(products, Eigen::EigenvaluesOnly).eigenvalues();
  const Eigen::VectorXd values = squares.cwiseMax(0.0).cwiseSqrt();
  const double total = values.sum();
  double sum = 0;
  Index rank = 0;
  while (rank < values.size() && sum < (1 - delta) * total) sum += values[values.size() - ++rank];
  return rank;
}

double policy_churn(std::span<const float> before, std::span<const float> after, Index actions) {
  const auto width = static_cast<std::size_t>(actions);
  const auto greedy = [&](std::span<const float> q, std::size_t n) {
    const std::span<const float> row = q.subspan(n * width, width);
    return std::max_element(row.begin(), row.end()) - row.begin();
  };
  const std::size_t states = before.size() / width;
  std::size_t changed = 0;
  for (std::size_t n = 0; n < states; ++n) changed += greedy(before, n) != greedy(after, n) ? 1 : 0;
  return static_cast<double>(changed) / static_cast<double>(states);
}

}  // namespace bellman
