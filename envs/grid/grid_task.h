// A gridworld: a table of outcomes whose states are the cells of a grid, and drawings of that grid.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/tensor.h"
#include "envs/grid/tabular_mdp.h"

namespace bellman {

// ---- A gridworld: a table of outcomes whose states are the cells of a grid, and the picture of that grid.

/// Clockwise: the next one (mod 4) lies to the right, the one before to the left.
enum class Direction : std::uint8_t { kUp, kRight, kDown, kLeft };

std::string_view direction_name(Direction direction);  // "up", "right", "down", "left"

enum class Cell : std::uint8_t {
  kFloor,
  kStart,
  kWall,    // cannot be entered
  kGoal,    // ends the task well
  kPit,     // ends the task badly, or (a cliff) leads back to the start
  kMarked,  // a floor cell with a reward of its own
};

/// State s is the cell in row s / cols and column s % cols; row 0 is the top.
struct GridTask {
  std::string name;
  std::int32_t rows = 0, cols = 0;
  std::vector<Cell> cells;                // (rows * cols)
  std::string symbols;                    // (rows * cols): the letters of the map
  std::array<Direction, 4> directions{};  // of action 0, 1, 2, 3
  Index max_episode_steps = 0;            // 0: no time limit
  double reward_threshold = 0;            // NaN: none is defined
  TabularMdp mdp;

  std::int32_t state(std::int32_t row, std::int32_t col) const { return row * cols + col; }
  /// The next cell in this direction, or `s` itself at the edge of the grid. Ignores walls.
  std::int32_t neighbour(std::int32_t s, Direction direction) const;
};

// ---- drawings, as text

/// The map, one line per row, with `@` at the agent's cell (none for a negative `agent`).
std::string draw_map(const GridTask& task, std::int32_t agent = -1);

/// The map with an arrow (UTF-8) in each playable cell: the direction of policy(S)[s]. Other cells show their
/// letter.
/// REQUIRES: one action per cell, in range where the cell is playable.
std::string draw_policy(const GridTask& task, std::span<const std::int32_t> policy);

/// v(S) with three decimals, one column per cell; the letter in cells that are not playable. REQUIRES: one
/// value per cell.
std::string draw_values(const GridTask& task, std::span<const double> v);

}  // namespace bellman
