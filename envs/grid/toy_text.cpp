#include "envs/grid/toy_text.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <system_error>

#include "core/base/check.h"
#include "envs/grid/grid_map.h"

namespace bellman {
namespace {

constexpr std::string_view kMap4x4 =
    "SFFF\n"
    "FHFH\n"
    "FFFH\n"
    "HFFG\n";

constexpr std::string_view kMap8x8 =
    "SFFFFFFF\n"
    "FFFFFFFF\n"
    "FFFHFFFF\n"
    "FFFFFHFF\n"
    "FFFHFFFF\n"
    "FHHFFFHF\n"
    "FHFFHFHF\n"
    "FFFHFFFG\n";

Cell cell_of(char letter) {
  switch (letter) {
    case 'S':
      return Cell::kStart;
    case 'H':
      return Cell::kPit;
    case 'G':
      return Cell::kGoal;
    default:
      return Cell::kFloor;
  }
}

bool ends(Cell cell) { return cell == Cell::kGoal || cell == Cell::kPit; }

Outcome move(const GridTask& task, std::int32_t s, Direction direction, double probability) {
  const std::int32_t next = task.neighbour(s, direction);
  const Cell cell = task.cells[static_cast<std::size_t>(next)];
  return {probability, cell == Cell::kGoal ? 1.0 : 0.0, next, ends(cell)};
}

void add_outcomes(GridTask& task, std::int32_t s, std::int32_t a, const FrozenLakeOptions& options) {
  if (ends(task.cells[static_cast<std::size_t>(s)])) {
    task.mdp.add(s, a, {1.0, 0.0, s, true});
    return;
  }
  const auto direction = [&](std::int32_t action) {
    return task.directions[static_cast<std::size_t>(action % 4)];
  };
  if (!options.slippery) {
    task.mdp.add(s, a, move(task, s, direction(a), 1.0));
    return;
  }
  const double to_a_side = (1.0 - options.success_rate) / 2.0;
  task.mdp.add(s, a, move(task, s, direction(a + 3), to_a_side));
  task.mdp.add(s, a, move(task, s, direction(a), options.success_rate));
  task.mdp.add(s, a, move(task, s, direction(a + 1), to_a_side));
}

}  // namespace

std::vector<std::string> parse_frozen_lake_map(std::string_view text, const std::string& name) {
  const std::vector<MapLine> lines = map_lines(text, name);
  check_map_rows(lines, "SFHG", name);
  std::vector<std::string> rows;
  for (const MapLine& line : lines) rows.emplace_back(line.text);
  const auto is_on_map = [&rows](char letter) {
    return std::any_of(rows.begin(), rows.end(),
                       [letter](const std::string& row) { return row.find(letter) != std::string::npos; });
  };
  if (!is_on_map('S')) fail("map ", name, ": there is no start 'S'");
  if (!is_on_map('G')) fail("map ", name, ": there is no goal 'G'");
  return rows;
}

bool is_bundled_lake(std::string_view name) { return name == "4x4" || name == "8x8"; }

std::string frozen_lake_map_text(const std::string& name_or_path) {
  if (is_bundled_lake(name_or_path)) return std::string(name_or_path == "4x4" ? kMap4x4 : kMap8x8);
  std::error_code error;
  if (!std::filesystem::exists(name_or_path, error))
    fail("map ", name_or_path, " is neither a file nor 4x4 or 8x8");
  return read_map_file(name_or_path);
}

std::vector<std::string> load_frozen_lake_map(const std::string& name_or_path) {
  return parse_frozen_lake_map(frozen_lake_map_text(name_or_path), name_or_path);
}

GridTask frozen_lake_task(std::span<const std::string> rows, const FrozenLakeOptions& options) {
  if (!(options.success_rate >= 0 && options.success_rate <= 1))
    fail("success_rate is ", options.success_rate, ", must be from 0 to 1");
  GridTask task;
  task.name = "frozen lake";
  task.rows = static_cast<std::int32_t>(rows.size());
  task.cols = static_cast<std::int32_t>(rows.front().size());
  task.directions = {Direction::kLeft, Direction::kDown, Direction::kRight, Direction::kUp};
  task.reward_threshold = std::numeric_limits<double>::quiet_NaN();
  for (const std::string& row : rows) {
    task.symbols += row;
    for (char letter : row) task.cells.push_back(cell_of(letter));
  }

  const std::int32_t num_states = task.rows * task.cols;
  task.mdp = TabularMdp(num_states, 4);
  const auto starts = static_cast<double>(std::count(task.symbols.begin(), task.symbols.end(), 'S'));
  for (std::int32_t s = 0; s < num_states; ++s) {
    const Cell cell = task.cells[static_cast<std::size_t>(s)];
    for (std::int32_t a = 0; a < 4; ++a) add_outcomes(task, s, a, options);
    if (cell == Cell::kStart) task.mdp.add_start(s, 1.0 / starts);
    if (ends(cell)) task.mdp.exclude(s);
  }
  task.mdp.finish();
  return task;
}

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
