// Memory for the transitions of a learn step, allocated once and filled again at every step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rl/learner.h"

namespace bellman {

/// Arrays of up to `capacity` transitions. Weights start at 1, which is what they are without priorities.
struct BatchArrays {
  /// Throws: Error for a capacity below 1.
  explicit BatchArrays(Index capacity)
      : slots(count(capacity)),
        next_slots(slots.size()),
        actions(slots.size()),
        rewards(slots.size()),
        discounts(slots.size()),
        terminated(slots.size()),
        weights(slots.size(), 1.0F) {}

  Index capacity() const { return static_cast<Index>(slots.size()); }

  /// The first n transitions, as the learner takes them. REQUIRES: 0 <= n <= capacity().
  Batch first(Index n) const {
    const std::size_t b = static_cast<std::size_t>(n);
    return {{slots.data(), b},     {next_slots.data(), b}, {actions.data(), b}, {rewards.data(), b},
            {discounts.data(), b}, {terminated.data(), b}, {weights.data(), b}};
  }

  std::vector<Index> slots, next_slots;
  std::vector<std::int32_t> actions;
  std::vector<float> rewards, discounts, terminated, weights;

 private:
  static std::size_t count(Index capacity) {
    if (capacity < 1) fail("a batch holds ", capacity, " transitions, must hold at least 1");
    return static_cast<std::size_t>(capacity);
  }
};

}  // namespace bellman
