// Gridworlds as text, for a terminal and a lesson.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "envs/grid/grid_task.h"

namespace bellman {

/// The map, a line a row, with `@` where the agent is (none when `agent` is negative).
std::string draw_map(const GridTask& task, std::int32_t agent = -1);

/// The map with an arrow (UTF-8) wherever an action can be taken: the direction of policy(S)[s]. Other cells
/// show their letter. REQUIRES: as many actions as cells, in range where the cell is playable.
std::string draw_policy(const GridTask& task, std::span<const std::int32_t> policy);

/// v(S) in a column a cell, three digits behind the point; the letter where no action can be taken.
/// REQUIRES: as many values as cells.
std::string draw_values(const GridTask& task, std::span<const double> v);

}  // namespace bellman
