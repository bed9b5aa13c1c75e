#include "apps/run/policy_value.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include "core/base/check.h"

namespace bellman {
namespace {

bool is_stopped(const std::atomic<bool>* stop) { return stop && stop->load(std::memory_order_relaxed); }

/// NaN when the calculation fails: with gamma = 1 a policy that walks in circles has no value.
template <class Calculation>
double value_or_nan(const Calculation& calculation) {
  try {
    return calculation();
  } catch (const Error&) {
    return std::numeric_limits<double>::quiet_NaN();
  }
}

}  // namespace

Policy greedy_policy(const TabularEnv& env, const QFunction& q, const std::atomic<bool>* stop) {
  const std::vector<double> table = q_table(env, q, kMostCells, stop);
  const auto actions = static_cast<std::size_t>(env.spec().num_actions);
  Policy policy;
  for (std::size_t begin = 0; begin < table.size(); begin += actions) {
    const std::span<const double> row = std::span(table).subspan(begin, actions);
    policy.push_back(static_cast<std::int32_t>(std::ranges::max_element(row) - row.begin()));
  }
  return policy;
}

std::optional<ExactReturn> exact_return(const TabularEnv& env, std::span<const std::int32_t> policy,
                                        const std::atomic<bool>* stop) {
  constexpr double kMostUpdates = 5e8;  // of a (state, action) pair's value: a few seconds
  const TabularMdp& mdp = env.task().mdp;
  const Index limit = env.spec().max_episode_steps;
  const Index horizon = limit > 0 ? limit : Evaluator::kStepLimit;
  const double pairs = static_cast<double>(mdp.num_states()) * mdp.num_actions();
  if (pairs * static_cast<double>(horizon) > kMostUpdates) return std::nullopt;
  const ExactReturn exact{forecast_episode(mdp, policy, horizon, stop).expected_return,
                          optimal_return(mdp, horizon, stop), horizon};
  return is_stopped(stop) ? std::nullopt : std::optional(exact);
}

std::optional<PolicyValue> policy_value(const Env& env, const QFunction& q, double gamma,
                                        const std::atomic<bool>& stop) {
  const TabularEnv* tabular = as_tabular(env);
  if (!tabular) return std::nullopt;
  const TabularMdp& mdp = tabular->task().mdp;
  const Policy policy = greedy_policy(*tabular, q, &stop);
  PolicyValue result;
  if (stop) return std::nullopt;
  result.value = value_or_nan([&] { return start_value(mdp, evaluate_policy(mdp, policy, gamma).v); });
  result.optimal_value = value_or_nan([&] { return start_value(mdp, value_iteration(mdp, gamma, &stop).v); });
  if (const std::optional<ExactReturn> returns = exact_return(*tabular, policy, &stop)) {
    result.expected_return = returns->policy;
    result.optimal_return = returns->optimal;
  }
  return stop ? std::nullopt : std::optional(result);
}

}  // namespace bellman
