#include "envs/grid/grid_task.h"

namespace bellman {

std::string_view direction_name(Direction direction) {
  constexpr std::array<std::string_view, 4> kNames = {"up", "right", "down", "left"};
  return kNames[static_cast<std::size_t>(direction)];
}

std::int32_t GridTask::neighbour(std::int32_t s, Direction direction) const {
  const std::int32_t row = s / cols, col = s % cols;
  switch (direction) {
    case Direction::kUp:
      return row > 0 ? s - cols : s;
    case Direction::kRight:
      return col + 1 < cols ? s + 1 : s;
    case Direction::kDown:
      return row + 1 < rows ? s + cols : s;
    case Direction::kLeft:
      return col > 0 ? s - 1 : s;
  }
  return s;
}

}  // namespace bellman
