// What a gridworld's policy is worth, to the last digit: no episodes are played, probabilities are followed.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "core/base/tensor.h"
#include "envs/grid/tabular_env.h"
#include "envs/grid/value_iteration.h"
#include "rl/train/evaluator.h"

namespace bellman {

struct ExactReturn {
  double policy = 0;   // expected return of an episode that follows the policy
  double optimal = 0;  // the largest that any policy reaches
  Index horizon = 0;   // steps an episode may make: the time limit, or where evaluations cut an episode
};

/// In every cell where an action is taken, the one of the largest Q-value; the first among equals. `q` is
/// asked about many cells at a time. Ends early, with action 0 in the other cells, when *stop becomes true.
Policy greedy_policy(const TabularEnv& env, const QFunction& q, const std::atomic<bool>* stop = nullptr);

/// Nothing when the grid and its time limit are so large that this would take more than seconds, and when
/// *stop became true.
std::optional<ExactReturn> exact_return(const TabularEnv& env, std::span<const std::int32_t> policy,
                                        const std::atomic<bool>* stop = nullptr);

}  // namespace bellman
