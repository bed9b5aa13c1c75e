// One step of a tabular decision process, for host and device.
#pragma once

#include <cstdint>

#include "core/base/numeric.h"

namespace bellman {

/// A possible outcome of a (state, action).
struct Outcome {
  double probability = 1;
  double reward = 0;
  std::int32_t next = 0;    // state
  bool terminated = false;  // entering `next` ends the task
};

/// The table as plain arrays, for host and device: a view that owns nothing.
struct TabularTable {
  const Outcome* outcomes = nullptr;
  const std::int32_t* first = nullptr;  // outcomes of pair p = state * num_actions + action:
                                        // first[p] .. first[p + 1] - 1
  std::int32_t num_states = 0;
  std::int32_t num_actions = 0;
};

/// The outcome of (state, action) for u uniform on [0, 1): the first whose cumulative probability exceeds u,
/// or the very first if rounding leaves their sum at or below u, as in Gymnasium's categorical_sample.
BELLMAN_HOST_DEVICE inline const Outcome& tabular_step(const TabularTable& table, std::int32_t state,
                                                       std::int32_t action, double u) {
  const std::int32_t pair = state * table.num_actions + action;
  const std::int32_t begin = table.first[pair], end = table.first[pair + 1];
  double cumulative = 0;
  for (std::int32_t i = begin; i < end; ++i) {
    cumulative += table.outcomes[i].probability;
    if (cumulative > u) return table.outcomes[i];
  }
  return table.outcomes[begin];
}

}  // namespace bellman
