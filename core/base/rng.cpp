#include "core/base/rng.h"

#include <cmath>
#include <numbers>

namespace bellman {

double RandomSequence::normal() {
  const double u = 1.0 - uniform(0.0, 1.0);  // in (0, 1]: its logarithm is finite
  const double angle = uniform(0.0, 2.0 * std::numbers::pi);
  return std::sqrt(-2.0 * std::log(u)) * std::cos(angle);
}

}  // namespace bellman
