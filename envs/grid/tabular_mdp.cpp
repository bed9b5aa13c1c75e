#include "envs/grid/tabular_mdp.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/base/check.h"

namespace bellman {
namespace {

constexpr double kSumTolerance = 1e-9;

bool is_probability(double p) { return p >= 0 && p <= 1; }

}  // namespace

TabularMdp::TabularMdp(std::int32_t num_states, std::int32_t num_actions)
    : num_states_(num_states), num_actions_(num_actions) {
  if (num_states < 1 || num_actions < 1 ||
      num_states > std::numeric_limits<std::int32_t>::max() / num_actions)
    fail("a table of ", num_states, " states and ", num_actions, " actions is not possible");
  first_.reserve(static_cast<std::size_t>(num_states) * num_actions + 1);
  first_.push_back(0);
  playable_.assign(static_cast<std::size_t>(num_states), 1);
}

void TabularMdp::add(std::int32_t state, std::int32_t action, const Outcome& outcome) {
  const std::size_t pair = static_cast<std::size_t>(state) * num_actions_ + action;
  if (pair + 1 == first_.size()) first_.push_back(first_.back());  // a new pair starts
  BELLMAN_CHECK(pair + 2 == first_.size());
  outcomes_.push_back(outcome);
  ++first_.back();
}

void TabularMdp::add_start(std::int32_t state, double probability) {
  starts_.push_back({state, probability});
}

void TabularMdp::finish() {
  const std::size_t pairs = static_cast<std::size_t>(num_states_) * num_actions_;
  if (first_.size() != pairs + 1)
    fail("a table has outcomes for ", first_.size() - 1, " of ", pairs, " pairs");
  ends_task_.assign(static_cast<std::size_t>(num_states_), 0);
  for (std::int32_t s = 0; s < num_states_; ++s)
    for (std::int32_t a = 0; a < num_actions_; ++a) {
      double sum = 0;
      for (const Outcome& o : outcomes(s, a)) {
        if (!is_probability(o.probability) || !std::isfinite(o.reward) || o.next < 0 || o.next >= num_states_)
          fail("state ", s, ", action ", a, ": an outcome of probability ", o.probability, ", reward ",
               o.reward, " and next state ", o.next, " of ", num_states_, " is not possible");
        if (playable(s) && !o.terminated && !playable(o.next))
          fail("state ", s, ", action ", a, ": the episode goes on in state ", o.next,
               ", where no action can be taken");
        if (playable(s) && o.terminated) ends_task_[static_cast<std::size_t>(o.next)] = 1;
        sum += o.probability;
      }
      if (!(std::abs(sum - 1) <= kSumTolerance))
        fail("state ", s, ", action ", a, ": the probabilities sum to ", sum, ", must be 1");
    }
  double sum = 0;
  for (const Start& start : starts_) {
    if (start.state < 0 || start.state >= num_states_ || !playable(start.state))
      fail("an episode cannot start in state ", start.state);
    if (!is_probability(start.probability)) fail("a start has probability ", start.probability);
    sum += start.probability;
  }
  if (!(std::abs(sum - 1) <= kSumTolerance)) fail("the starts' probabilities sum to ", sum, ", must be 1");
  outcomes_.shrink_to_fit();
}

std::int32_t TabularMdp::start_state(double u) const {
  double cumulative = 0;
  for (const Start& start : starts_) {
    cumulative += start.probability;
    if (cumulative > u) return start.state;
  }
  return starts_.front().state;
}

namespace {

constexpr double kNone = -std::numeric_limits<double>::infinity();

/// Calls f(outcome) for every possible outcome of a state.
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
  std::vector<std::int32_t> open;  // states whose outcomes are not visited yet
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
  // Where steps that continue never have a positive reward, the last step's reward is the bound.
  if (rewards.largest_going_on <= 0) return rewards.largest;
  return max_steps > 0 ? static_cast<double>(max_steps) * std::max(rewards.largest, rewards.largest_going_on)
                       : std::numeric_limits<double>::infinity();
}

}  // namespace bellman
