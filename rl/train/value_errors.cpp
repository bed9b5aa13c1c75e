#include "rl/train/value_errors.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "core/base/check.h"

namespace bellman {
namespace {

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

/// The same process with rewards as they are learnt from (Collector).
TabularMdp with_learnt_rewards(const TabularMdp& mdp, const TrainConfig& config) {
  TabularMdp learnt(mdp.num_states(), mdp.num_actions());
  for (std::int32_t s = 0; s < mdp.num_states(); ++s)
    for (std::int32_t a = 0; a < mdp.num_actions(); ++a)
      for (Outcome outcome : mdp.outcomes(s, a)) {
        outcome.reward *= config.reward_scale;
        if (config.reward_clip > 0)
          outcome.reward = std::clamp(outcome.reward, -config.reward_clip, config.reward_clip);
        learnt.add(s, a, outcome);
      }
  for (const TabularMdp::Start& start : mdp.starts()) learnt.add_start(start.state, start.probability);
  for (std::int32_t s = 0; s < mdp.num_states(); ++s)
    if (!mdp.playable(s)) learnt.exclude(s);
  learnt.finish();
  return learnt;
}

/// Nothing where a state has no finite value.
template <class Calculation>
std::optional<TabularValues> values_if_finite(const Calculation& calculation) {
  try {
    return calculation();
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// The mean over the states where an action can be taken.
template <class OfState>
double mean_over_states(const TabularMdp& mdp, const OfState& of_state) {
  double sum = 0;
  std::size_t states = 0;
  for (std::int32_t s = 0; s < mdp.num_states(); ++s)
    if (mdp.playable(s)) sum += of_state(static_cast<std::size_t>(s)), ++states;
  return sum / static_cast<double>(states);
}

}  // namespace

ValueErrors::ValueErrors(const TabularMdp& mdp, const TrainConfig& config)
    : mdp_(with_learnt_rewards(mdp, config)),
      gamma_(config.gamma),
      best_(values_if_finite([&] { return value_iteration(mdp_, gamma_); })) {}

std::vector<double> ValueErrors::overestimation(std::span<const double> q) const {
  const auto actions = static_cast<std::size_t>(mdp_.num_actions());
  std::vector<double> by_state(static_cast<std::size_t>(mdp_.num_states()), kNoValue);
  for (std::size_t s = 0; best_ && s < by_state.size(); ++s)
    if (mdp_.playable(static_cast<std::int32_t>(s)))
      by_state[s] = std::ranges::max(q.subspan(s * actions, actions)) - best_->v[s];
  return by_state;
}

std::array<double, kValueErrorNames.size()> ValueErrors::errors(std::span<const double> q) const {
  const auto actions = static_cast<std::size_t>(mdp_.num_actions());
  const std::optional<TabularValues> greedy =
      values_if_finite([&] { return evaluate_policy(mdp_, greedy_policy(mdp_, q), gamma_); });
  const auto distance = [&](const std::optional<TabularValues>& exact) {
    if (!exact) return kNoValue;
    return mean_over_states(mdp_, [&](std::size_t s) {
      double sum = 0;
      for (std::size_t i = s * actions; i < (s + 1) * actions; ++i) sum += std::abs(q[i] - exact->q[i]);
      return sum / static_cast<double>(actions);
    });
  };
  const auto over = [&](const std::optional<TabularValues>& exact) {
    if (!exact) return kNoValue;
    return mean_over_states(
        mdp_, [&](std::size_t s) { return std::ranges::max(q.subspan(s * actions, actions)) - exact->v[s]; });
  };
  const double regret =
      best_ && greedy ? mean_over_states(mdp_, [&](std::size_t s) { return best_->v[s] - greedy->v[s]; })
                      : kNoValue;
  return {distance(best_), distance(greedy), over(best_), over(greedy), regret};
}

}  // namespace bellman
