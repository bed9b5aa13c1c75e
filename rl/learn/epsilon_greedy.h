// The policy that gathers experience: with probability epsilon a random action, otherwise the best known one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/base/rng.h"
#include "core/ops/replay_ops.h"

namespace bellman {

/// The action of `stream` at `step` when it explores, which it does with probability epsilon; nothing when it
/// is to be greedy. REQUIRES: num_actions > 0.
inline std::optional<std::int32_t> exploratory_action(const RandomStream& stream, std::uint64_t step,
                                                      double epsilon, int num_actions) {
  const std::int32_t action = explored_action(stream, step, epsilon, static_cast<std::uint32_t>(num_actions));
  if (action < 0) return std::nullopt;
  return action;
}

inline constexpr std::int32_t kGreedy = -1;

/// action(E)[e]: what environment first_env + e does when it explores, kGreedy when it does not. True when
/// all do.
inline bool explore(std::span<std::int32_t> actions, const EpsilonGreedy& exploration,
                    std::uint32_t num_actions) {
  bool all = true;
  for (std::size_t e = 0; e < actions.size(); ++e) {
    actions[e] =
        exploratory_action(exploration, exploration.first_env + static_cast<std::uint32_t>(e), num_actions);
    all = all && actions[e] != kGreedy;
  }
  return all;
}

/// arg max_a q(A)[a]; the smallest index when several are equal. REQUIRES: q is not empty.
inline std::int32_t greedy_action(std::span<const float> q) {
  std::size_t best = 0;
  for (std::size_t a = 1; a < q.size(); ++a)
    if (q[a] > q[best]) best = a;
  return static_cast<std::int32_t>(best);
}

}  // namespace bellman
