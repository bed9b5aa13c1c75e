// The small gridworlds of the course.
#pragma once

#include "envs/grid/grid_task.h"
#include "envs/grid/value_iteration.h"

namespace bellman {

/// Three rows of six cells. The lowest is start, cliff, goal; a short way leads along the cliff's edge, a longer one along
/// the top. The goal gives +1, all else 0; goal and cliff end the episode.
GridTask cliff_task(double slip);

/// Up to that row of cliff_task, right to the end, down to the goal; from any cell. REQUIRES: row 0 or 1.
Policy cliff_policy(const GridTask& task, std::int32_t row);

/// Four rows of seven cells with walls. Entering the goal gives +1 and ends the episode. Each step into the bush b, in the
/// opposite corner, and each step that stays there gives `bush`, and the episode goes on.
GridTask bush_task(double bush, double slip);

/// Four rows of four cells: from the upper left corner three steps lead to a small reward a (0.3), six past holes (-1) to
/// the goal (+1). Each of them ends the episode.
GridTask pond_task(double slip);

/// Nine cells; start in the lower left corner, goal in the upper right one. Each step's reward is -1 - noise or -1 + noise,
/// either with probability 1/2; the last one, into the goal, is +5 (after van Hasselt 2010, section 4.2, whose noise is 11).
GridTask noisy_task(double noise);

/// Seven rows of nine cells. A wall in the middle shuts the lower left half, where the start is, off from the goal in the
/// lower right corner; the way leads round its upper end. Without the wall its cells are floor.
GridTask wall_task(bool wall);

/// A row of ten cells, from the start to the goal, which ends the episode. A step that slips goes nowhere. Each step's reward
/// is -1 - noise or -1 + noise, either with probability 1/2; the last one's is -1.
GridTask corridor_task(double slip, double noise);

}  // namespace bellman
