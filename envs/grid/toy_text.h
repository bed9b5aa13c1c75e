// Gymnasium's gridworlds ("toy text"), outcome for outcome: FrozenLake-v1 and CliffWalking-v1.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "envs/grid/grid_task.h"

namespace bellman {

// ---- FrozenLake-v1: a lake with holes and slippery ice, on which a move may go to a side

struct FrozenLakeOptions {
  bool slippery = true;
  double success_rate = 1.0 / 3.0;  // probability of the intended direction when slippery
};

/// The rows of a lake: `S` start, `F` frozen, `H` hole, `G` goal. Throws: Error that names row and column,
/// for other letters, uneven rows, or a lake without a start or a goal.
std::vector<std::string> parse_frozen_lake_map(std::string_view text, const std::string& name);

/// Whether this is a bundled lake: "4x4" or "8x8".
bool is_bundled_lake(std::string_view name);
/// The text of a bundled lake or a map file. Throws: Error when there is no such file.
std::string frozen_lake_map_text(const std::string& name_or_path);
/// Its rows. Throws: Error as both above.
std::vector<std::string> load_frozen_lake_map(const std::string& name_or_path);

/// Actions 0 left, 1 down, 2 right, 3 up. When slippery, action a moves in direction a - 1, a or a + 1 (mod
/// 4), in this order of outcomes, with probabilities (1 - success_rate) / 2, success_rate and (1 -
/// success_rate) / 2. A move off the map stays. Reward 1 on entering G, else 0. G and H end the task.
/// REQUIRES: rows of parse_frozen_lake_map. Throws: Error unless success_rate is in [0, 1].
GridTask frozen_lake_task(std::span<const std::string> rows, const FrozenLakeOptions& options);

// ---- CliffWalking-v1 (Sutton & Barto 2018, example 6.6): the short way runs along a cliff

/// 4 rows, 12 columns. Actions 0 up, 1 right, 2 down, 3 left. The start is at the bottom left, the goal at
/// the bottom right, the cliff between them. A step has reward -1; a step into the cliff has -100 and leads
/// back to the start. Only the goal ends the task. No time limit.
GridTask cliff_walking_task();

}  // namespace bellman
