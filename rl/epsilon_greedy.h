// The policy that gathers experience: with probability epsilon a random action, otherwise the best known one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/rng.h"

namespace bellman {

/// The action of `stream` at `step` when it explores, which it does with probability epsilon; nothing when it
/// is to be greedy. The random action may be the greedy one. REQUIRES: num_actions > 0.
inline std::optional<std::int32_t> exploratory_action(const RandomStream& stream, std::uint64_t step,
                                                      double epsilon, int num_actions) {
  const RandomWords words = random_words(stream, step);
  if (uniform_double(words[0], words[1]) >= epsilon) return std::nullopt;
  return static_cast<std::int32_t>(uniform_index(words[2], static_cast<std::uint32_t>(num_actions)));
}

/// arg max_a q(A)[a]; the smallest index when several are equal. REQUIRES: q is not empty.
inline std::int32_t greedy_action(std::span<const float> q) {
  std::size_t best = 0;
  for (std::size_t a = 1; a < q.size(); ++a)
    if (q[a] > q[best]) best = a;
  return static_cast<std::int32_t>(best);
}

}  // namespace bellman
