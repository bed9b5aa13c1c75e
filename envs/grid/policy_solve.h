// What a fixed policy is worth in every state: one sparse linear system, solved directly.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "envs/grid/tabular_mdp.h"

namespace bellman {

/// v(S), the solution of v(s) = sum_i p_i (r_i + gamma (1 - terminated_i) v(s_i)) over the outcomes of
/// (s, policy(s)); 0 in states where no action is taken. The time does not depend on gamma. With gamma = 1 a
/// state from which no reward can follow has the value 0, even where the episode never ends.
/// Throws: Error, naming a state, when its value is not finite: gamma = 1, and rewards without an end.
/// REQUIRES: gamma in [0, 1]; in each playable state a valid action.
std::vector<double> solve_policy(const TabularMdp& mdp, std::span<const std::int32_t> policy, double gamma);

}  // namespace bellman
