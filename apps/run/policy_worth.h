// What a greedy policy is worth in a gridworld, exactly, beside the best there is: no episode is sampled.
#pragma once

#include <atomic>
#include <limits>
#include <optional>

#include "envs/env.h"
#include "rl/train/evaluator.h"

namespace bellman {

struct PolicyWorth {
  // From the start state, discounted by gamma: what Q-learning maximises. NaN: not finite, which gamma = 1
  // allows for.
  double value = 0, optimal_value = 0;
  // Expected return of an episode, undiscounted, within the time limit (where there is none, within the
  // evaluator's): what an evaluation estimates. NaN: too large a grid (exact_return.h).
  double expected_return = std::numeric_limits<double>::quiet_NaN();
  double optimal_return = std::numeric_limits<double>::quiet_NaN();
};

/// Of the policy that is greedy in `q`. Nothing for an environment that is no gridworld, and when *stop
/// became true: the calculation takes seconds for the largest maps.
std::optional<PolicyWorth> policy_worth(const Env& env, const QFunction& q, double gamma,
                                        const std::atomic<bool>& stop);

}  // namespace bellman
