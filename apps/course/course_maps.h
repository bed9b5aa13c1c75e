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

}  // namespace bellman
