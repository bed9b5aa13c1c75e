// A Markov decision process as a table: the possible outcomes of each state and action, with their
// probabilities. Every gridworld is one. The same table steps the environment and gives its exact values
// (value_iteration.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/tensor.h"
#include "envs/grid/tabular_step.h"

namespace bellman {

/// Owns a table, its starts, and which states are playable. It is built by adding the outcomes of (0,0),
/// (0,1), ..., (1,0), ... in this order, then the starts, then by finish().
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

  /// Appends an outcome. REQUIRES: pairs come in order, without gaps.
  void add(std::int32_t state, std::int32_t action, const Outcome& outcome);
  void add_start(std::int32_t state, double probability);
  /// Marks a state in which no action is taken: it ends the task or cannot be entered.
  void exclude(std::int32_t state) { playable_[static_cast<std::size_t>(state)] = 0; }
  /// Throws: Error that names state and action, when an outcome leads to no state or a distribution does not
  /// sum to 1 within 1e-9; also when a start, or the next state of a playable state's outcome that does not
  /// terminate, is not playable.
  void finish();

  std::int32_t num_states() const { return num_states_; }
  std::int32_t num_actions() const { return num_actions_; }
  TabularTable table() const { return {outcomes_.data(), first_.data(), num_states_, num_actions_}; }
  std::span<const Outcome> outcomes(std::int32_t state, std::int32_t action) const {
    const std::size_t pair = static_cast<std::size_t>(state) * num_actions_ + action;
    return std::span(outcomes_).subspan(first_[pair], first_[pair + 1] - first_[pair]);
  }
  std::span<const Start> starts() const { return starts_; }
  /// Whether an action can be taken in this state.
  bool playable(std::int32_t state) const { return playable_[static_cast<std::size_t>(state)] != 0; }
  /// Whether entering this state can end an episode.
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

/// The rewards of the steps that are reachable from a start.
struct RewardsInReach {
  double largest = 0;
  double largest_going_on = 0;          // of steps that do not end the task; -infinity: there are none
  std::vector<std::uint8_t> entered{};  // (states): 1 where an episode can start or enter
};

/// REQUIRES: a finished process with a start.
RewardsInReach rewards_in_reach(const TabularMdp& mdp);

/// An upper bound on the return of at most `max_steps` steps (0: any number); may be infinite.
double highest_return(const RewardsInReach& rewards, Index max_steps);

}  // namespace bellman
