// A gridworld made from a map (grid_map.h): walls, starts, goals, pits, marked cells, slippery ground. Some
// maps are bundled with the library.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "envs/grid/grid_map.h"
#include "envs/grid/grid_task.h"

namespace bellman {

struct BundledMap {
  std::string_view name;
  std::string_view summary;
  std::string_view text;  // in the format of grid_map.h
};

std::span<const BundledMap> bundled_maps();
/// Null for an unknown name.
const BundledMap* find_bundled_map(std::string_view name);

/// The text of a bundled map, or of a map file. Throws: Error for a name that is neither.
std::string grid_map_text(const std::string& name_or_path);
/// Its map. Throws: Error also for a bad map.
GridMap load_grid_map(const std::string& name_or_path);

/// Actions 0 up, 1 right, 2 down, 3 left. With slip > 0, action a moves in direction a - 1, a or a + 1 (mod
/// 4), in this order of outcomes, with probabilities slip / 2, 1 - slip and slip / 2. A move into a wall or
/// off the map stays. The reward is -step_cost plus the entered cell's reward.
/// REQUIRES: a map of parse_grid_map. Throws: Error unless slip is in [0, 1].
GridTask grid_world_task(const GridMap& map, const std::string& name);

}  // namespace bellman
