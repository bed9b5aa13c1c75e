#include "envs/grid/cliff_walking.h"

#include <limits>

namespace bellman {
namespace {

constexpr std::int32_t kRows = 4, kCols = 12;
constexpr std::int32_t kStartState = 3 * kCols, kGoalState = 4 * kCols - 1;

Cell cell_of(std::int32_t s) {
  if (s == kStartState) return Cell::kStart;
  if (s == kGoalState) return Cell::kGoal;
  return s > kStartState ? Cell::kPit : Cell::kFloor;
}

char symbol_of(Cell cell) {
  switch (cell) {
    case Cell::kStart:
      return 'S';
    case Cell::kGoal:
      return 'G';
    case Cell::kPit:
      return 'C';
    default:
      return '.';
  }
}

}  // namespace

GridTask cliff_walking_task() {
  GridTask task;
  task.name = "cliff walking";
  task.rows = kRows;
  task.cols = kCols;
  task.directions = {Direction::kUp, Direction::kRight, Direction::kDown, Direction::kLeft};
  task.reward_threshold = std::numeric_limits<double>::quiet_NaN();
  for (std::int32_t s = 0; s < kRows * kCols; ++s) {
    task.cells.push_back(cell_of(s));
    task.symbols += symbol_of(cell_of(s));
  }

  task.mdp = TabularMdp(kRows * kCols, 4);
  for (std::int32_t s = 0; s < kRows * kCols; ++s)
    for (std::int32_t a = 0; a < 4; ++a) {
      const std::int32_t next = task.neighbour(s, task.directions[static_cast<std::size_t>(a)]);
      if (cell_of(next) == Cell::kPit)
        task.mdp.add(s, a, {1.0, -100.0, kStartState, false});
      else
        task.mdp.add(s, a, {1.0, -1.0, next, next == kGoalState});
    }
  for (std::int32_t s = kStartState + 1; s <= kGoalState; ++s) task.mdp.exclude(s);
  task.mdp.add_start(kStartState, 1.0);
  task.mdp.finish();
  return task;
}

}  // namespace bellman
