// Exact values of gridworlds, which Q-learning can only estimate: of a given policy and of the best one.
//
// v and q are indexed as the table: v(S) by state, q(S,A) by state * num_actions + action. In states where no
// action is ever taken they are 0.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/tensor.h"
#include "envs/grid/tabular_mdp.h"

namespace bellman {

/// One action for each of S states; those of unplayable states are ignored.
using Policy = std::vector<std::int32_t>;

struct TabularValues {
  std::vector<double> v;  // (S)
  std::vector<double> q;  // (S,A)
  double residual = 0;    // max_s |v(s) - right-hand side of its Bellman equation|
};

/// q(s,a) from the values of the next states: sum_i p_i (r_i + gamma (1 - terminated_i) v(s_i)).
/// REQUIRES: v(S); s and a in range.
double action_value(const TabularMdp& mdp, std::span<const double> v, double gamma, std::int32_t s,
                    std::int32_t a);

/// Bellman 1957: the fixed point of
///   Q*(s,a) = sum_i p_i (r_i + gamma (1 - terminated_i) V*(s_i)),   V*(s) = max_a Q*(s,a).
/// Sweeps of value iteration find a good policy; then policy iteration (Howard 1960), with a direct solution
/// for each policy, finds the best, in a time that does not grow as gamma nears 1. No action exceeds v by
/// more than 1e-11 max(1, |v|). For gamma < 1 the values are within residual / (1 - gamma) of Q*. Stops
/// early, with the values so far, when *stop becomes true.
/// Throws: Error unless gamma is in [0, 1], and when a state has no finite value, for gamma = 1.
TabularValues value_iteration(const TabularMdp& mdp, double gamma, const std::atomic<bool>* stop = nullptr);

/// The same for a given policy: V(s) = Q(s, policy(s)). For gamma < 1 the policy's episodes need not end.
/// Throws: as value_iteration, and Error for an action out of range.
TabularValues evaluate_policy(const TabularMdp& mdp, std::span<const std::int32_t> policy, double gamma);

/// In each state the first action with the largest q.
Policy greedy_policy(const TabularMdp& mdp, std::span<const double> q);

/// sum_s start(s) v(s): the expected return of an episode.
double start_value(const TabularMdp& mdp, std::span<const double> v);

/// The distribution of a policy's undiscounted episodes within a time limit.
struct EpisodeForecast {
  double expected_return = 0;
  double expected_length = 0;  // steps
  double truncated = 0;        // probability that the limit comes before the end (a step that is both counts
                               // as an end)
  std::vector<double> ending_in;  // (S): probability that the task ends on entering this state
};

/// Propagates the distribution over states for `max_steps` steps, without sampling. Stops early, with the
/// steps so far, when *stop becomes true. Throws: Error unless max_steps is positive, or for an action out of
/// range.
EpisodeForecast forecast_episode(const TabularMdp& mdp, std::span<const std::int32_t> policy, Index max_steps,
                                 const std::atomic<bool>* stop = nullptr);

/// The largest expected undiscounted return of any policy within `max_steps` steps, even one that depends on
/// the step (dynamic programming backwards from the last step). Stops early, with the return of fewer steps,
/// when *stop becomes true. Throws: Error unless max_steps is positive.
double optimal_return(const TabularMdp& mdp, Index max_steps, const std::atomic<bool>* stop = nullptr);

/// A policy's values v(S), by one sparse linear system that is solved directly (policy_solve.cpp): the
/// solution of
///   v(s) = sum_i p_i (r_i + gamma (1 - terminated_i) v(s_i))   over the outcomes of (s, policy(s)),
/// with 0 in states where no action is taken. The time does not depend on gamma. With gamma = 1 a state from
/// which no reward is reachable has the value 0, even if the episode never ends.
/// Throws: Error that names a state whose value is not finite: gamma = 1, and rewards without an end.
/// REQUIRES: gamma in [0, 1]; a valid action in each playable state.
std::vector<double> solve_policy(const TabularMdp& mdp, std::span<const std::int32_t> policy, double gamma);

}  // namespace bellman
