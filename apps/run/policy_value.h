// The exact value of a policy in a gridworld, beside the best possible one: probabilities are summed, no
// episode is sampled.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "core/base/tensor.h"
#include "envs/env.h"
#include "envs/grid/tabular_env.h"
#include "envs/grid/value_iteration.h"
#include "rl/train/evaluator.h"
#include "rl/train/q_table.h"

namespace bellman {

/// Undiscounted returns, which an evaluation estimates.
struct ExactReturn {
  double policy = 0;   // expected return of an episode that follows the policy
  double optimal = 0;  // the largest that any policy reaches
  Index horizon = 0;   // most steps of an episode: the time limit, or the evaluator's limit
};

/// In every cell where an action is taken, the one of the largest Q-value; the first among equals. `q` gets
/// many cells at a time. Ends early, with action 0 in the other cells, when *stop becomes true.
Policy greedy_policy(const TabularEnv& env, const QFunction& q, const std::atomic<bool>* stop = nullptr);

/// Nothing when grid and time limit are so large that this would take more than seconds, and when *stop
/// became true.
std::optional<ExactReturn> exact_return(const TabularEnv& env, std::span<const std::int32_t> policy,
                                        const std::atomic<bool>* stop = nullptr);

struct PolicyValue {
  // From the start state, discounted by gamma: what Q-learning maximises. NaN: not finite, which gamma = 1
  // allows for.
  double value = 0, optimal_value = 0;
  // ExactReturn; NaN where it has none.
  double expected_return = std::numeric_limits<double>::quiet_NaN();
  double optimal_return = std::numeric_limits<double>::quiet_NaN();
};

/// Of the policy that is greedy in `q`. Nothing for an environment that is no gridworld, and when *stop
/// became true: the calculation takes seconds for the largest maps.
std::optional<PolicyValue> policy_value(const Env& env, const QFunction& q, double gamma,
                                        const std::atomic<bool>& stop);

}  // namespace bellman
