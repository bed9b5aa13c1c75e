#include "apps/exact_return.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace bellman {

Policy greedy_policy(const TabularEnv& env, const QFunction& q) {
  const TabularMdp& mdp = env.task().mdp;
  const auto width = static_cast<std::size_t>(env.spec().observation_shape.elements());
  std::vector<float> observation(width), values(static_cast<std::size_t>(mdp.num_actions()));
  Policy policy(static_cast<std::size_t>(mdp.num_states()), 0);
  for (std::int32_t state = 0; state < mdp.num_states(); ++state) {
    if (!mdp.playable(state)) continue;
    env.observe_state(observation, state);
    q(values, observation, 1);
    policy[static_cast<std::size_t>(state)] =
        static_cast<std::int32_t>(std::max_element(values.begin(), values.end()) - values.begin());
  }
  return policy;
}

std::optional<ExactReturn> exact_return(const TabularEnv& env, std::span<const std::int32_t> policy) {
  constexpr double kMostUpdates = 5e8;  // of a (state, action) pair's value: a few seconds
  const TabularMdp& mdp = env.task().mdp;
  const Index limit = env.spec().max_episode_steps;
  const Index horizon = limit > 0 ? limit : Evaluator::kStepLimit;
  const double pairs = static_cast<double>(mdp.num_states()) * mdp.num_actions();
  if (pairs * static_cast<double>(horizon) > kMostUpdates) return std::nullopt;
  return ExactReturn{forecast_episode(mdp, policy, horizon).expected_return, optimal_return(mdp, horizon),
                     horizon};
}

}  // namespace bellman
