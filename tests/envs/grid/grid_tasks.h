// Gridworlds whose values the golden file states, and a comparison with these values.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "envs/grid/toy_text.h"
#include "envs/grid/value_iteration.h"
#include "tests/support/compare.h"

namespace bellman::test {

inline GridTask lake(const std::string& map, const FrozenLakeOptions& options = {}) {
  return frozen_lake_task(load_frozen_lake_map(map), options);
}

inline GridTask golden_task(const std::string& golden_case) {
  if (golden_case == "cliff") return cliff_walking_task();
  const std::string map = golden_case.starts_with("lake_8x8") ? "8x8" : "4x4";
  if (golden_case.ends_with("_dry")) return lake(map, {.slippery = false});
  if (golden_case.ends_with("_success_70")) return lake(map, {.success_rate = 0.7});
  return lake(map);
}

inline double max_magnitude(const std::vector<double>& values) {
  double largest = 1;
  for (double x : values) largest = std::max(largest, std::abs(x));
  return largest;
}

/// The golden values' accuracy, and ours: the distance to the fixed point is at most 1/(1 - gamma) times as
/// large as the residual.
inline void check_values(const std::vector<double>& actual, const std::vector<double>& expected,
                         double gamma) {
  const double bound = 1e-12 * max_magnitude(expected) / (1 - gamma);
  check_within<double, double>(actual, expected, std::vector<double>(expected.size(), bound));
}

inline Policy constant_policy(const GridTask& task, std::int32_t action) {
  return Policy(static_cast<std::size_t>(task.mdp.num_states()), action);
}

}  // namespace bellman::test
