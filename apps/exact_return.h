// What a gridworld's policy is worth, to the last digit: no episodes are played, probabilities are followed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/tensor.h"
#include "envs/tabular_env.h"
#include "envs/value_iteration.h"
#include "rl/evaluator.h"

namespace bellman {

struct ExactReturn {
  double policy = 0;   // expected return of an episode that follows the policy
  double optimal = 0;  // the largest that any policy reaches
  Index horizon = 0;   // steps an episode may make: the time limit, or where evaluations cut an episode
};

/// In every cell where an action is taken, the one of the largest Q-value; the first among equals.
Policy greedy_policy(const TabularEnv& env, const QFunction& q);

/// Nothing when the grid and its time limit are so large that this would take more than seconds.
std::optional<ExactReturn> exact_return(const TabularEnv& env, std::span<const std::int32_t> policy);

}  // namespace bellman
