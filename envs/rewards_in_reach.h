// What a decision process can pay at most: which rewards any way from a start leads to.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/tensor.h"
#include "envs/grid/tabular_mdp.h"

namespace bellman {

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
