#include "envs/rewards_in_reach.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace bellman {
namespace {

constexpr double kNone = -std::numeric_limits<double>::infinity();

/// f(outcome) for all that can follow a state.
template <class F>
void for_each_outcome(const TabularMdp& mdp, std::int32_t state, F f) {
  for (std::int32_t a = 0; a < mdp.num_actions(); ++a)
    for (const Outcome& outcome : mdp.outcomes(state, a))
      if (outcome.probability > 0) f(outcome);
}

}  // namespace

RewardsInReach rewards_in_reach(const TabularMdp& mdp) {
  RewardsInReach rewards = {kNone, kNone,
                            std::vector<std::uint8_t>(static_cast<std::size_t>(mdp.num_states()))};
  std::vector<std::uint8_t> followed(rewards.entered.size());
  std::vector<std::int32_t> open;  // what follows them was not looked at yet
  const auto enter = [&](std::int32_t state, bool goes_on) {
    const auto s = static_cast<std::size_t>(state);
    rewards.entered[s] = 1;
    if (!goes_on || followed[s] != 0) return;
    followed[s] = 1;
    open.push_back(state);
  };
  for (const TabularMdp::Start& start : mdp.starts())
    if (start.probability > 0) enter(start.state, true);
  while (!open.empty()) {
    const std::int32_t state = open.back();
    open.pop_back();
    for_each_outcome(mdp, state, [&](const Outcome& outcome) {
      rewards.largest = std::max(rewards.largest, outcome.reward);
      if (!outcome.terminated) rewards.largest_going_on = std::max(rewards.largest_going_on, outcome.reward);
      enter(outcome.next, !outcome.terminated);
    });
  }
  return rewards;
}

double highest_return(const RewardsInReach& rewards, Index max_steps) {
  // Where going on never pays, an episode returns at most what its last step does.
  if (rewards.largest_going_on <= 0) return rewards.largest;
  return max_steps > 0 ? static_cast<double>(max_steps) * std::max(rewards.largest, rewards.largest_going_on)
                       : std::numeric_limits<double>::infinity();
}

}  // namespace bellman
