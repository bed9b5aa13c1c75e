#include "apps/course/q_learner.h"

#include <algorithm>

namespace bellman {

QLearner::QLearner(const TabularMdp& mdp, const QLearning& settings)
    : mdp_(mdp),
      settings_(settings),
      exploration_({settings.seed, Purpose::kExploration, 0}),
      environment_({settings.seed, Purpose::kEnvironment, 0}) {
  for (std::int32_t s = 0; s < mdp.num_states(); ++s)
    q_.insert(q_.end(), static_cast<std::size_t>(mdp.num_actions()), mdp.playable(s) ? settings.start : 0);
  updates_.assign(q_.size(), 0);
  begin_episode();
}

void QLearner::step() {
  const std::int32_t a = chosen_action();
  const Outcome& outcome = tabular_step(mdp_.table(), state_, a, environment_.uniform());

  const double future = outcome.terminated ? 0 : *std::max_element(row(outcome.next), row(outcome.next + 1));
  const std::size_t at = pair(state_, a);
  q_[at] += settings_.rate.at(++updates_[at]) * (outcome.reward + settings_.gamma * future - q_[at]);

  return_ += discount_ * outcome.reward;
  discount_ *= settings_.gamma;
  state_ = outcome.next;
  if (!outcome.terminated && ++steps_ < settings_.max_episode_steps) return;
  sum_of_returns_ += return_;
  ++episodes_;
  begin_episode();
}

std::int32_t QLearner::chosen_action() {
  const auto actions = static_cast<std::uint32_t>(mdp_.num_actions());
  if (exploration_.uniform() < settings_.epsilon)
    return static_cast<std::int32_t>(uniform_index(exploration_.word(), actions));
  const double best = *std::max_element(row(state_), row(state_ + 1));
  auto ties = static_cast<std::uint32_t>(std::count(row(state_), row(state_ + 1), best));
  ties = ties > 1 ? uniform_index(exploration_.word(), ties) : 0;
  std::int32_t a = 0;
  while (q_[pair(state_, a)] != best || ties-- > 0) ++a;
  return a;
}

void QLearner::begin_episode() {
  state_ = mdp_.start_state(environment_.uniform());
  steps_ = 0, return_ = 0, discount_ = 1;
}

}  // namespace bellman
