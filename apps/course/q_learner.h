// Tabular Q-learning, as small as it gets: a table, an epsilon-greedy agent, and a learning rate that may fall with the
// visits of what it updates.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/rng.h"
#include "envs/grid/tabular_mdp.h"

namespace bellman {

/// alpha n^-decay at the n-th update of a (state, action), n from 1.
struct LearningRate {
  double alpha = 1, decay = 0;
  double at(Index n) const { return decay == 0 ? alpha : alpha * std::pow(static_cast<double>(n), -decay); }
};

struct QLearning {
  double gamma = 0.95, epsilon = 0.1;
  LearningRate rate;
  double start = 0;  // what every Q-value is at first
  std::uint64_t seed = 1;
  Index max_episode_steps = 100;  // then a new episode starts; the cut step bootstraps like any other
};

/// Watkins 1989:  Q(s,a) += rate (r + gamma (1 - terminated) max_a' Q(s',a') - Q(s,a))  after each step of an agent that
/// takes a random action with probability epsilon, else a best one, drawn from
/// those that are equally good.
class QLearner {
 public:
  /// REQUIRES: `mdp` outlives it and has a start.
  QLearner(const TabularMdp& mdp, const QLearning& settings);

  void step();

  const std::vector<double>& q() const { return q_; }             // (S,A)
  const std::vector<Index>& updates() const { return updates_; }  // (S,A)
  /// Mean discounted return of the episodes that ended; NaN before the first.
  double mean_return() const { return sum_of_returns_ / static_cast<double>(episodes_); }

 private:
  std::size_t pair(std::int32_t s, std::int32_t a) const {
    return static_cast<std::size_t>(s) * static_cast<std::size_t>(mdp_.num_actions()) +
           static_cast<std::size_t>(a);
  }
  std::vector<double>::const_iterator row(std::int32_t s) const {
    return q_.begin() + static_cast<std::ptrdiff_t>(pair(s, 0));
  }
  std::int32_t chosen_action();
  void begin_episode();

  const TabularMdp& mdp_;
  QLearning settings_;
  RandomSequence exploration_, environment_;
  std::vector<double> q_;
  std::vector<Index> updates_;
  std::int32_t state_ = 0;
  Index steps_ = 0, episodes_ = 0;  // of the episode; ended
  double return_ = 0, discount_ = 1, sum_of_returns_ = 0;
};

}  // namespace bellman
