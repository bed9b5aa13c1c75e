#include "core/gradient_check.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace bellman {
namespace {

// The five-point central difference. Of the Taylor series of f around x the odd terms survive:
//   f(x+h) - f(x-h)   =  2h f' + h^3/3 f''' + O(h^5)
//   f(x+2h) - f(x-2h) =  4h f' + 8h^3/3 f''' + O(h^5)
// and 8 times the first less the second is 12h f' + O(h^5): an error of h^4 f^(5) / 30. With h = 1e-4 that is
// far below what rounding does to the losses, a few 1e-16 / h.
double slope(const std::function<double()>& loss, double& value, double h) {
  const double x = value;
  const auto at = [&](double place) {
    value = place;
    return loss();
  };
  const double near = at(x + h) - at(x - h);
  const double far = at(x + 2 * h) - at(x - 2 * h);
  value = x;
  return (8 * near - far) / (12 * h);
}

double relative_error(double a, double b, double smallest) {
  const double error = std::abs(a - b) / std::max({std::abs(a), std::abs(b), smallest});
  return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
}

}  // namespace

GradientCheck check_gradient(const std::function<double()>& loss, std::span<double> values,
                             std::span<const double> analytic, const GradientCheckOptions& options) {
  if (values.size() != analytic.size())
    fail("check_gradient: there are ", values.size(), " values but ", analytic.size(), " gradients");
  if (!(options.step > 0 && options.smallest > 0 && options.stride > 0))
    fail("check_gradient: step is ", options.step, ", smallest ", options.smallest, ", stride ",
         options.stride, ", but all must be above 0");
  // Two differences of a smooth function agree at least this well. A kink that moves them less than this
  // moves the comparison as little.
  constexpr double kSmooth = 1e-6;

  GradientCheck result;
  for (std::size_t i = 0; i < values.size(); i += static_cast<std::size_t>(options.stride)) {
    const double h = options.step * std::max(1.0, std::abs(values[i]));
    const double numeric = slope(loss, values[i], h);
    const double with_half_the_step = slope(loss, values[i], h / 2);
    const double disagreement = relative_error(numeric, with_half_the_step, options.smallest);
    if (disagreement > kSmooth && std::isfinite(disagreement)) {
      ++result.kinks;
      continue;
    }
    ++result.compared;
    const double error = relative_error(analytic[i], numeric, options.smallest);
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
