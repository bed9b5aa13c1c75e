// How far a gridworld's Q-table is from what is true, over training time.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "envs/grid/tabular_mdp.h"
#include "envs/grid/value_iteration.h"
#include "rl/config/train_config.h"

namespace bellman {

/// What ValueErrors::errors measures. Means over the states where an action can be taken, of the first two over all
/// actions, too. pi is the greedy policy of Q; V^pi and Q^pi are its exact values, V* and Q* those of the best policy.
///   q_star       |Q(s,a) - Q*(s,a)|
///   q_pi         |Q(s,a) - Q^pi(s,a)|
///   over_q_star  max_a Q(s,a) - V*(s)
///   over_q_pi    max_a Q(s,a) - V^pi(s): overestimation as in van Hasselt et al. 2016, figure 3
///   regret       V*(s) - V^pi(s)
inline constexpr std::array<std::string_view, 5> kValueErrorNames = {"q_star", "q_pi", "over_q_star",
                                                                     "over_q_pi", "regret"};

/// Measures Q-tables of a gridworld against its exact values, with rewards as a run of `config` learns from them: scaled,
/// then clipped. Owns its copy of the table of outcomes.
class ValueErrors {
 public:
  ValueErrors(const TabularMdp& mdp, const TrainConfig& config);

  /// max_a Q(s,a) - V*(s) by state (S); NaN where no action is taken, or V* is not finite (gamma = 1). q(S,A).
  std::vector<double> overestimation(std::span<const double> q) const;
  /// In the order of kValueErrorNames; NaN for one that needs a value that is not finite, as of a policy that with gamma = 1
  /// walks in circles. q(S,A), finite where an action can be taken.
  std::array<double, kValueErrorNames.size()> errors(std::span<const double> q) const;

 private:
  TabularMdp mdp_;
  double gamma_;
  std::optional<TabularValues> best_;  // none: with gamma = 1 some state has no finite value
};

}  // namespace bellman
