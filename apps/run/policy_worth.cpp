#include "apps/run/policy_worth.h"

#include <limits>

#include "apps/run/exact_return.h"
#include "core/base/check.h"
#include "envs/grid/tabular_env.h"
#include "envs/grid/value_iteration.h"

namespace bellman {
namespace {

/// The value of a calculation that has none for gamma = 1 when a policy walks in circles.
template <class Calculation>
double value_or_nan(const Calculation& calculation) {
  try {
    return calculation();
  } catch (const Error&) {
    return std::numeric_limits<double>::quiet_NaN();
  }
}

}  // namespace

std::optional<PolicyWorth> policy_worth(const Env& env, const QFunction& q, double gamma,
                                        const std::atomic<bool>& stop) {
  const TabularEnv* tabular = as_tabular(env);
  if (!tabular) return std::nullopt;
  const TabularMdp& mdp = tabular->task().mdp;
  const Policy policy = greedy_policy(*tabular, q, &stop);
  PolicyWorth worth;
  if (stop) return std::nullopt;
  worth.value = value_or_nan([&] { return start_value(mdp, evaluate_policy(mdp, policy, gamma).v); });
  worth.optimal_value = value_or_nan([&] { return start_value(mdp, value_iteration(mdp, gamma, &stop).v); });
  if (const std::optional<ExactReturn> returns = exact_return(*tabular, policy, &stop)) {
    worth.expected_return = returns->policy;
    worth.optimal_return = returns->optimal;
  }
  return stop ? std::nullopt : std::optional(worth);
}

}  // namespace bellman
