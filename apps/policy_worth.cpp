#include "apps/policy_worth.h"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/check.h"
#include "envs/tabular_env.h"
#include "envs/value_iteration.h"

namespace bellman {
namespace {

/// q(S,A) as the network sees the states.
std::vector<double> q_table(const TabularEnv& env, const QFunction& q) {
  const TabularMdp& mdp = env.task().mdp;
  std::vector<float> observation(static_cast<std::size_t>(env.spec().observation_shape.elements()));
  std::vector<float> row(static_cast<std::size_t>(mdp.num_actions()));
  std::vector<double> table;
  for (std::int32_t state = 0; state < mdp.num_states(); ++state) {
    if (mdp.playable(state)) {
      env.observe_state(observation, state);
      q(row, observation, 1);
    }
    table.insert(table.end(), row.begin(), row.end());
  }
  return table;
}

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

std::optional<PolicyWorth> policy_worth(const Env& env, const QFunction& q, double gamma) {
  const TabularEnv* tabular = as_tabular(env);
  if (!tabular) return std::nullopt;
  const TabularMdp& mdp = tabular->task().mdp;
  const Policy policy = greedy_policy(mdp, q_table(*tabular, q));
  const Index limit = env.spec().max_episode_steps > 0 ? env.spec().max_episode_steps : Evaluator::kStepLimit;
  PolicyWorth worth;
  worth.value = value_or_nan([&] { return start_value(mdp, evaluate_policy(mdp, policy, gamma).v); });
  worth.optimal_value = value_or_nan([&] { return start_value(mdp, value_iteration(mdp, gamma).v); });
  worth.expected_return = forecast_episode(mdp, policy, limit).expected_return;
  worth.optimal_return = optimal_return(mdp, limit);
  return worth;
}

}  // namespace bellman
