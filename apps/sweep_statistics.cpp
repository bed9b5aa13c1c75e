#include "apps/sweep_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/rng.h"

namespace bellman {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> result(values.begin(), values.end());
  std::sort(result.begin(), result.end());
  return result;
}

/// The value below which a share `q` of the sorted ones lies; between two of them, linearly.
double quantile(std::span<const double> ascending, double q) {
  const double at = q * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const auto above = static_cast<std::size_t>(std::ceil(at));  // not the next one, which may be infinite
  return std::lerp(ascending[below], ascending[above], at - static_cast<double>(below));
}

}  // namespace

double mean(std::span<const double> values) {
  if (values.empty()) return kNone;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standard_deviation(std::span<const double> values) {
  if (values.size() < 2) return kNone;
  const double center = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - center) * (value - center);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double median(std::span<const double> values) {
  return values.empty() ? kNone : quantile(sorted(values), 0.5);
}

double interquartile_mean(std::span<const double> values) {
  const std::vector<double> ascending = sorted(values);
  const std::size_t cut = ascending.size() / 4;
  return mean(std::span(ascending).subspan(cut, ascending.size() - 2 * cut));
}

Interval bootstrap_interval(std::span<const double> values, const Statistic& statistic, std::size_t resamples,
                            std::uint64_t seed) {
  if (values.empty() || resamples == 0) return {kNone, kNone};
  std::vector<double> sample(values.size()), statistics(resamples);
  for (std::size_t i = 0; i < resamples; ++i) {
    RandomSequence random({seed, Purpose::kBootstrap, 0}, i);
    for (double& value : sample)
      value = values[uniform_index(random.word(), static_cast<std::uint32_t>(values.size()))];
    statistics[i] = statistic(sample);
  }
  std::sort(statistics.begin(), statistics.end());
  return {quantile(statistics, 0.025), quantile(statistics, 0.975)};
}

}  // namespace bellman
