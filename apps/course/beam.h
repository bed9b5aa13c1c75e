// A balancing act with exact values: CartPole on a line.
#pragma once

#include <cstdint>

#include "envs/grid/grid_task.h"

namespace bellman {

/// The agent stands on a beam of some cells and takes a step to the left (action 0) or to the right (action 1) at a time.
/// The wind turns a step round. Off either end it falls, and the episode ends.
struct BeamRules {
  std::int32_t cells = 7;
  double wind = 0.1;                        // probability that a step goes the other way
  double step_reward = 1, fall_reward = 1;  // of the last step, too: CartPole's rewards
  double bootstrapped =
      0;  // the share of falls after which the target goes on from the edge cell: without the terminal mask,
          // a network that values the ground as the edge
  double cut = 0;  // probability that a step on the beam counts as the end
};

/// State 0 is the ground on the left, 1 .. cells the beam, cells + 1 the ground on the right; it starts in the middle.
GridTask beam_task(const BeamRules& rules);

}  // namespace bellman
