#include "envs/grid/grid_task.h"

#include <algorithm>
#include <array>
#include <iomanip>
#include <sstream>
#include <string_view>
#include <vector>

#include "core/base/check.h"

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

namespace {

std::string_view arrow(Direction direction) {
  constexpr std::array<std::string_view, 4> kArrows = {"\u2191", "\u2192", "\u2193", "\u2190"};
  return kArrows[static_cast<std::size_t>(direction)];
}

/// `text_of(s)` of every cell, one line per row.
template <class TextOf>
std::string draw_cells(const GridTask& task, const TextOf& text_of) {
  std::string out;
  for (std::int32_t row = 0; row < task.rows; ++row) {
    for (std::int32_t col = 0; col < task.cols; ++col) out += text_of(task.state(row, col));
    out += '\n';
  }
  return out;
}

std::string letter(const GridTask& task, std::int32_t s) {
  return std::string(1, task.symbols[static_cast<std::size_t>(s)]);
}

}  // namespace

std::string draw_map(const GridTask& task, std::int32_t agent) {
  return draw_cells(task, [&](std::int32_t s) { return s == agent ? "@" : letter(task, s); });
}

std::string draw_policy(const GridTask& task, std::span<const std::int32_t> policy) {
  BELLMAN_CHECK(policy.size() == task.cells.size());
  return draw_cells(task, [&](std::int32_t s) {
    if (!task.mdp.playable(s)) return letter(task, s);
    const auto action = static_cast<std::size_t>(policy[static_cast<std::size_t>(s)]);
    return std::string(arrow(task.directions[action]));
  });
}

std::string draw_values(const GridTask& task, std::span<const double> v) {
  BELLMAN_CHECK(v.size() == task.cells.size());
  std::vector<std::string> texts;
  std::size_t width = 0;
  for (std::int32_t s = 0; s < task.mdp.num_states(); ++s) {
    std::ostringstream text;
    if (task.mdp.playable(s))
      text << std::fixed << std::setprecision(3) << v[static_cast<std::size_t>(s)];
    else
      text << letter(task, s);
    texts.push_back(text.str());
    width = std::max(width, texts.back().size());
  }
  return draw_cells(task, [&](std::int32_t s) {
    const std::string& text = texts[static_cast<std::size_t>(s)];
    return std::string(width + 1 - text.size(), ' ') + text;
  });
}

}  // namespace bellman
