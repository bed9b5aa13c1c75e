// A Markov decision process as a table: for each state and action, what may follow and how likely.
// Every gridworld is one. The same table steps the environment and gives its exact values
// (value_iteration.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/tensor.h"
#include "envs/grid/tabular_step.h"

namespace bellman {

// ---- A Markov decision process as a table: for each state and action, what may follow and how likely.
// Every gridworld is one. The same table steps the environment and gives its exact values
// (value_iteration.h).

/// Owns a table, its starts, and which states matter. Built by adding the outcomes of (0,0), (0,1), ...,
/// (1,0), ... in this order, then the starts, then finish().
class TabularMdp {
 public:
  struct Start {
    std::int32_t state;
    double probability;
  };

  TabularMdp() = default;
  /// No outcomes yet; every state is playable. Throws: Error unless both counts are positive and the table's
  /// (state, action) pairs fit 31 bits.
  TabularMdp(std::int32_t num_states, std::int32_t num_actions);

  /// Appends an outcome. REQUIRES: no pair after (state, action) has an outcome yet, and none is left out.
  void add(std::int32_t state, std::int32_t action, const Outcome& outcome);
  void add_start(std::int32_t state, double probability);
  /// No action is ever taken in this state: it ends the task, or cannot be entered.
  void exclude(std::int32_t state) { playable_[static_cast<std::size_t>(state)] = 0; }
  /// Throws: Error, naming state and action, when an outcome leads nowhere or a distribution does not sum to
  /// 1 within 1e-9; when a start, or an outcome of a playable state that does not terminate, is not playable.
  void finish();

  std::int32_t num_states() const { return num_states_; }
  std::int32_t num_actions() const { return num_actions_; }
  TabularTable table() const { return {outcomes_.data(), first_.data(), num_states_, num_actions_}; }
  std::span<const Outcome> outcomes(std::int32_t state, std::int32_t action) const {
    const std::size_t pair = static_cast<std::size_t>(state) * num_actions_ + action;
    return std::span(outcomes_).subspan(first_[pair], first_[pair + 1] - first_[pair]);
  }
  std::span<const Start> starts() const { return starts_; }
  /// Can an action be taken in this state?
  bool playable(std::int32_t state) const { return playable_[static_cast<std::size_t>(state)] != 0; }
  /// Can an episode end on entering this state?
  bool ends_task(std::int32_t state) const { return ends_task_[static_cast<std::size_t>(state)] != 0; }
  /// The initial state for a number u, uniform on [0, 1).
  std::int32_t start_state(double u) const;

 private:
  std::int32_t num_states_ = 0, num_actions_ = 0;
  std::vector<Outcome> outcomes_;
  std::vector<std::int32_t> first_;
  std::vector<Start> starts_;
  std::vector<std::uint8_t> playable_, ends_task_;
};

// ---- What a decision process can pay at most: which rewards any way from a start leads to.

struct RewardsInReach {
  double largest = 0;           // of the steps that can be made from a start on
  double largest_going_on = 0;  // of those among them that do not end the task; -infinity: there are none
  std::vector<std::uint8_t> entered{};  // (states): 1 for those that an episode can begin in or enter
};

/// REQUIRES: the process has been finished, and has a start.
RewardsInReach rewards_in_reach(const TabularMdp& mdp);

/// No episode of at most `max_steps` steps (0: of any number) returns more; may be infinite.
double highest_return(const RewardsInReach& rewards, Index max_steps);

}  // namespace bellman
