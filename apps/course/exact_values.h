// The exact values of a gridworld, and how near a table of Q-values comes to them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "envs/grid/grid_task.h"
#include "envs/grid/value_iteration.h"

namespace bellman {

using States = std::vector<std::int32_t>;

/// Tables q have a row of actions for each state; only states in which an action is taken are compared.
class ExactValues {
 public:
  /// REQUIRES: `task` outlives it.
  ExactValues(const GridTask& task, double gamma, const std::atomic<bool>& stop);

  const GridTask& task() const { return task_; }
  const std::vector<double>& q() const { return best_.q; }
  const std::vector<double>& v() const { return best_.v; }
  /// Those in which an action is taken.
  const States& states() const { return states_; }

  /// Root mean square of a - b over these states and all actions.
  double distance(const std::vector<double>& a, const std::vector<double>& b, const States& states) const;
  double error(const std::vector<double>& q) const { return distance(q, best_.q, states_); }
  double error(const std::vector<double>& q, const States& states) const {
    return distance(q, best_.q, states);
  }
  /// max_a q(s,a) - V*(s)
  double value_error(const std::vector<double>& q, std::int32_t s) const;
  double mean_value_error(const std::vector<double>& q, const States& states) const;
  /// The share of these states whose first best action by q is a best one.
  double best_arrows(const std::vector<double>& q, const States& states) const;
  /// The expected discounted return of q's greedy policy, from the starts.
  double greedy_value(const std::vector<double>& q) const;

 private:
  std::size_t first(std::int32_t s) const { return static_cast<std::size_t>(s) * actions_; }
  /// The first best action's place in q.
  std::size_t chosen(const std::vector<double>& q, std::int32_t s) const;

  const GridTask& task_;
  double gamma_;
  std::size_t actions_;
  TabularValues best_;
  States states_;
};

}  // namespace bellman
