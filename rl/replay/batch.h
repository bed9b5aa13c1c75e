// The transitions of a learn step, and memory for them that is allocated once and filled again at every step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/check.h"
#include "core/base/tensor.h"

namespace bellman {

class ObservationStore;

/// The transitions of one learn step, by slot of the replay ring. Arrays of B, in host memory.
struct Batch {
  std::span<const Index> slots;       // where s is
  std::span<const Index> next_slots;  // where the state that is bootstrapped from is
  std::span<const std::int32_t> actions;
  std::span<const float> rewards;                  // sum_(i<k) gamma^i r_(t+i)
  std::span<const float> discounts;                // gamma^k, k the steps really summed
  std::span<const float> terminated;               // 1: nothing is bootstrapped
  std::span<const float> weights;                  // importance weights; all 1 for uniform sampling
  const ObservationStore* observations = nullptr;  // of the ring's slots
};

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

  /// The first n transitions; `observations` are those of their slots. REQUIRES: 0 <= n <= capacity().
  Batch first(Index n, const ObservationStore* observations = nullptr) const {
    const std::size_t b = static_cast<std::size_t>(n);
    return {{slots.data(), b},     {next_slots.data(), b}, {actions.data(), b}, {rewards.data(), b},
            {discounts.data(), b}, {terminated.data(), b}, {weights.data(), b}, observations};
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
