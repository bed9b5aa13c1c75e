#include "apps/course/best_of_estimates.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/base/tensor.h"

namespace bellman {
namespace {

double normal_density(double z) { return std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi); }
double normal_probability(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

}  // namespace

// The density of x_i where it is the largest is p_i(x) prod_(j != i) F_j(x). The trapezoidal rule is as good as exact for
// functions that vanish with all derivatives at both ends.
BestOfEstimates best_of_estimates(std::span<const double> truth, double noise) {
  constexpr double kReach = 9, kSteps = 10;  // standard deviations, 1e-19 lie beyond; steps in each
  const auto [least, most] = std::minmax_element(truth.begin(), truth.end());
  const double low = *least - kReach * noise, step = noise / kSteps;
  const auto steps = static_cast<Index>(std::ceil((*most - *least + 2 * kReach * noise) / step));
  BestOfEstimates best;
  std::vector<double> others(truth.size());  // prod_(j != i) F_j(x)
  for (Index k = 0; k <= steps; ++k) {
    const double x = low + static_cast<double>(k) * step;
    double before = 1, after = 1;
    for (std::size_t i = 0; i < truth.size(); ++i)
      others[i] = before, before *= normal_probability((x - truth[i]) / noise);
    for (std::size_t i = truth.size(); i-- > 0;)
      others[i] *= after, after *= normal_probability((x - truth[i]) / noise);
    for (std::size_t i = 0; i < truth.size(); ++i) {
      const double weight = step / noise * normal_density((x - truth[i]) / noise) * others[i];
      best.largest += weight * x;
      best.chosen += weight * truth[i];
    }
  }
  return best;
}

}  // namespace bellman
