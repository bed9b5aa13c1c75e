#include "apps/sweep/research_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace bellman {
namespace {

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

/// Writes the resample that `places` choose, in ascending order.
void resample_sorted(std::vector<double>& sample, std::span<const double> values,
                     std::span<const std::uint32_t> places) {
  for (std::size_t k = 0; k < sample.size(); ++k) sample[k] = values[places[k]];
  std::sort(sample.begin(), sample.end());
}

/// Of y below x_i each counts 2, of those equal to it 1. The sum is whole, so that its order does not matter.
double improvement_over(std::span<const double> x, std::span<const double> ascending_y) {
  std::uint64_t doubled = 0;
  for (const double value : x) {
    const auto below = std::lower_bound(ascending_y.begin(), ascending_y.end(), value);
    const auto above = std::upper_bound(below, ascending_y.end(), value);
    doubled += static_cast<std::uint64_t>((below - ascending_y.begin()) + (above - ascending_y.begin()));
  }
  return static_cast<double>(doubled) /
         (2 * static_cast<double>(x.size()) * static_cast<double>(ascending_y.size()));
}

double share_above(std::span<const double> ascending, double tau) {
  const auto above = std::upper_bound(ascending.begin(), ascending.end(), tau);
  return static_cast<double>(ascending.end() - above) / static_cast<double>(ascending.size());
}

}  // namespace

std::vector<double> paired_differences(std::span<const double> x, std::span<const double> y) {
  std::vector<double> differences;
  for (std::size_t s = 0; s < std::min(x.size(), y.size()); ++s)
    if (!std::isnan(x[s]) && !std::isnan(y[s])) differences.push_back(x[s] - y[s]);
  return differences;
}

double probability_of_improvement(std::span<const double> x, std::span<const double> y) {
  if (x.empty() || y.empty()) return kNoValue;
  std::vector<double> ascending(y.begin(), y.end());
  std::sort(ascending.begin(), ascending.end());
  return improvement_over(x, ascending);
}

Interval improvement_interval(std::span<const double> x, std::span<const double> y, std::size_t resamples,
                              const Draw& draw_x, const Draw& draw_y) {
  if (x.empty() || y.empty()) return {kNoValue, kNoValue};
  std::vector<std::uint32_t> places_x(x.size()), places_y(y.size());
  std::vector<double> sample_x(x.size()), sample_y(y.size()), statistics(resamples);
  for (std::size_t i = 0; i < resamples; ++i) {
    draw_x(i, places_x);
    draw_y(i, places_y);
    resample_sorted(sample_x, x, places_x);
    resample_sorted(sample_y, y, places_y);
    statistics[i] = improvement_over(sample_x, sample_y);
  }
  return percentile_interval(std::move(statistics));
}

std::vector<ProfilePoint> performance_profile(std::span<const double> x, std::span<const double> taus,
                                              std::size_t resamples, const Draw& draw) {
  if (x.empty()) return {};
  std::vector<double> sample(x.begin(), x.end());
  std::sort(sample.begin(), sample.end());
  std::vector<ProfilePoint> profile;
  for (const double tau : taus) profile.push_back({tau, share_above(sample, tau), {}});
  std::vector<std::uint32_t> places(x.size());
  std::vector<std::vector<double>> shares(taus.size(), std::vector<double>(resamples));
  for (std::size_t i = 0; i < resamples; ++i) {
    draw(i, places);
    resample_sorted(sample, x, places);
    for (std::size_t k = 0; k < taus.size(); ++k) shares[k][i] = share_above(sample, taus[k]);
  }
  for (std::size_t k = 0; k < taus.size(); ++k)
    profile[k].interval = percentile_interval(std::move(shares[k]));
  return profile;
}

std::vector<double> profile_thresholds(std::span<const double> values, std::size_t count) {
  if (values.empty()) return {};
  constexpr double kBelow = 0.05;  // of the range, so that the profile begins at 1
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double range = *most > *least ? *most - *least : std::max(1.0, std::abs(*most));
  const double low = *least - kBelow * range;
  std::vector<double> taus(count);
  for (std::size_t k = 0; k < count; ++k)
    taus[k] = std::lerp(low, *most, static_cast<double>(k) / static_cast<double>(count - 1));
  return taus;
}

double area_under_curve(std::span<const EvaluationPoint> curve, Index end) {
  if (curve.empty()) return kNoValue;
  const EvaluationPoint &first = curve.front(), &last = curve.back();
  const Index until = std::max(end, last.timestep);
  if (until == first.timestep) return last.mean_return;
  double area = last.mean_return * static_cast<double>(until - last.timestep);
  for (std::size_t i = 1; i < curve.size(); ++i)
    area += (curve[i - 1].mean_return / 2 + curve[i].mean_return / 2) *
            static_cast<double>(curve[i].timestep - curve[i - 1].timestep);
  return area / static_cast<double>(until - first.timestep);
}

}  // namespace bellman
