#include "core/nn/gradient_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>

#include "core/base/check.h"

namespace bellman {
namespace {

// Estimates of the slope f'(x) from f at x, x +- h/2, x +- h and x +- 2h.
//
// Central, five points. The odd terms of f's Taylor series around x remain:
//   f(x+h) - f(x-h)   =  2h f' + h^3/3 f''' + O(h^5)
//   f(x+2h) - f(x-2h) =  4h f' + 8h^3/3 f''' + O(h^5)
// and 8 times the first minus the second is 12h f' + O(h^5): an error of h^4 f^(5) / 30. With h = 1e-4 that
// is far below the rounding errors of the losses, a few 1e-16 / h.
//
// One-sided, four points. The cubic through f at 0, s/2, s and 2s (s = h to the right, -h to the left) has
// the slope (32 (f(s/2) - f0) - 12 (f(s) - f0) + (f(2s) - f0)) / 6s at 0: an error of h^3 f^(4) / 24.
//
// At a corner, f(x+t) = f0 + R t to the right and f0 + L t to the left, both central estimates are (L+R)/2
// for any step: only the one-sided estimates show it. With a corner at x + p near x, one of the one-sided
// estimates is still right, and no |p| <= 2h makes both central ones agree with it.
struct Slopes {
  double central, central_of_half_step, right, left;

  bool finite() const { return std::isfinite(central + central_of_half_step + right + left); }
  double spread() const {
    const auto [low, high] = std::minmax({central, central_of_half_step, right, left});
    return high - low;
  }
};

Slopes slopes_at(const std::function<double()>& loss, double loss_here, double& value, double h) {
  constexpr std::array<double, 3> kPlaces = {0.5, 1, 2};
  const double x = value;
  std::array<double, 3> right{}, left{};  // f(x +- place h) - f(x)
  for (std::size_t i = 0; i < kPlaces.size(); ++i) {
    value = x + kPlaces[i] * h;
    right[i] = loss() - loss_here;
    value = x - kPlaces[i] * h;
    left[i] = loss() - loss_here;
  }
  value = x;
  const auto one_sided = [](const std::array<double, 3>& d, double s) {
    return (32 * d[0] - 12 * d[1] + d[2]) / (6 * s);
  };
  return {(8 * (right[1] - left[1]) - (right[2] - left[2])) / (12 * h),
          (8 * (right[0] - left[0]) - (right[1] - left[1])) / (6 * h), one_sided(right, h),
          one_sided(left, -h)};
}

double relative_error(double a, double b, double smallest) {
  const double error = std::abs(a - b) / std::max({std::abs(a), std::abs(b), smallest});
  return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
}

/// f'(x), with the largest step whose estimates agree; nothing at a corner, NaN where a loss is not finite.
std::optional<double> slope(const std::function<double()>& loss, double loss_here, double& value, double step,
                            double smallest) {
  // Estimates of a smooth function agree at least this well. A corner that changes them less also changes the
  // comparison less.
  constexpr double kSmooth = 1e-6;
  constexpr int kSteps = 3;
  // Rounding of the losses, a few units in the last place each, changes a slope by this times |loss| / h.
  constexpr double kRounding = 16 * std::numeric_limits<double>::epsilon();

  double h = step * std::max(1.0, std::abs(value));
  for (int i = 0; i < kSteps; ++i, h /= 10) {
    const Slopes slopes = slopes_at(loss, loss_here, value, h);
    if (!slopes.finite()) return std::numeric_limits<double>::quiet_NaN();
    const double scale = std::max({std::abs(slopes.right), std::abs(slopes.left), smallest});
    if (slopes.spread() <= kSmooth * scale) return slopes.central;
    if (kRounding * std::abs(loss_here) / (h / 10) > kSmooth * scale) break;
  }
  return std::nullopt;
}

}  // namespace

GradientCheck check_gradient(const std::function<double()>& loss, std::span<double> values,
                             std::span<const double> analytic, const GradientCheckOptions& options) {
  if (values.size() != analytic.size())
    fail("check_gradient: there are ", values.size(), " values but ", analytic.size(), " gradients");
  if (!(options.step > 0 && options.smallest > 0 && options.stride > 0))
    fail("check_gradient: step is ", options.step, ", smallest ", options.smallest, ", stride ",
         options.stride, ", but all must be above 0");
  const double loss_here = loss();
  const double smallest = options.smallest * std::max(1.0, std::abs(loss_here));

  GradientCheck result;
  for (std::size_t i = 0; i < values.size(); i += static_cast<std::size_t>(options.stride)) {
    const std::optional<double> smooth = slope(loss, loss_here, values[i], options.step, smallest);
    if (!smooth && std::isfinite(analytic[i])) {
      ++result.kinks;
      continue;
    }
    ++result.compared;
    const double numeric = smooth.value_or(std::numeric_limits<double>::quiet_NaN());
    const double error = relative_error(analytic[i], numeric, smallest);
    result.error_of_zero = std::max(result.error_of_zero, relative_error(0, numeric, smallest));
    if (result.index < 0 || error > result.relative_error) {
      result.relative_error = error;
      result.index = static_cast<Index>(i);
      result.analytic = analytic[i];
      result.numeric = numeric;
    }
  }
  return result;
}

}  // namespace bellman
