#include "envs/grid/grid_world.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

// 20 steps from corner to corner return 1 - 20 * 0.01 = 0.80, any detour at most 0.78.
constexpr std::string_view kFourRooms =
    R"(; Sutton, Precup & Singh 1999, "Between MDPs and semi-MDPs", figure 2
step_cost: 0.01
max_steps: 500
solved_return: 0.79

#############
#S....#.....#
#.....#.....#
#...........#
#.....#.....#
#.....#.....#
##.####.....#
#.....###.###
#.....#.....#
#.....#.....#
#...........#
#.....#....G#
#############
)";

constexpr std::string_view kDynaMaze = R"(; Sutton & Barto 2018, figure 8.2: 14 steps at best
max_steps: 200

.......#G
..#....#.
S.#....#.
..#......
.....#...
.........
)";

constexpr std::string_view kRussellNorvig = R"(; Russell & Norvig 2010, "Artificial Intelligence", figure 17.1
step_cost: 0.04
slip: 0.2
max_steps: 100

...G
.#.H
S...
)";

constexpr std::string_view kBridge =
    R"(; Short and dangerous, or long and safe: on dry ground (slip 0) the bridge is better.
step_cost: 0.01
slip: 0.1
max_steps: 200

...........
.#########.
.#HHHHHHH#.
S.........G
.#HHHHHHH#.
.#########.
...........
)";

constexpr std::array<BundledMap, 4> kMaps = {{
    {"four_rooms", "four rooms joined by four doors, from corner to corner", kFourRooms},
    {"dyna_maze", "Sutton and Barto's maze, reward 1 at the goal alone", kDynaMaze},
    {"russell_norvig", "the 4x3 world of Russell and Norvig: moves slip, steps cost", kRussellNorvig},
    {"bridge", "a short bridge between pits, or a long safe way round", kBridge},
}};

}  // namespace

std::span<const BundledMap> bundled_maps() { return kMaps; }

const BundledMap* find_bundled_map(std::string_view name) {
  for (const BundledMap& map : kMaps)
    if (map.name == name) return &map;
  return nullptr;
}

namespace {

Cell cell_of_symbol(char letter) {
  switch (letter) {
    case '#':
      return Cell::kWall;
    case '.':
    case ' ':
      return Cell::kFloor;
    case 'S':
      return Cell::kStart;
    case 'G':
      return Cell::kGoal;
    case 'H':
      return Cell::kPit;
    default:
      return Cell::kMarked;
  }
}

/// The effect of entering a cell.
struct Entering {
  double reward = 0;
  bool terminated = false;
};

Entering entering(const GridMap& map, char letter) {
  if (letter == 'G') return {map.goal_reward, true};
  if (letter == 'H') return {map.pit_reward, true};
  if (const GridMark* mark = map.find_mark(letter)) return {mark->reward, mark->terminal};
  return {};
}

class TableBuilder {
 public:
  TableBuilder(GridTask& task, const GridMap& map) : task_(task), map_(map) {}

  void add_state(std::int32_t s) {
    const char letter = symbol(s);
    const bool playable = letter != '#' && !entering(map_, letter).terminated;
    for (std::int32_t a = 0; a < 4; ++a) {
      if (playable)
        add_moves(s, a);
      else
        task_.mdp.add(s, a, {1.0, 0.0, s, true});
    }
    if (!playable) task_.mdp.exclude(s);
  }

 private:
  char symbol(std::int32_t s) const { return task_.symbols[static_cast<std::size_t>(s)]; }

  void add_moves(std::int32_t s, std::int32_t a) {
    if (map_.slip == 0) {
      add_move(s, a, a, 1.0);
      return;
    }
    add_move(s, a, a + 3, map_.slip / 2);
    add_move(s, a, a, 1 - map_.slip);
    add_move(s, a, a + 1, map_.slip / 2);
  }

  /// Adds the outcome of action `a` that moves in the direction of `actual`.
  void add_move(std::int32_t s, std::int32_t a, std::int32_t actual, double probability) {
    std::int32_t next = task_.neighbour(s, task_.directions[static_cast<std::size_t>(actual % 4)]);
    if (symbol(next) == '#') next = s;
    // Staying on a marked cell enters it again.
    const Entering cell = entering(map_, symbol(next));
    task_.mdp.add(s, a, {probability, cell.reward - map_.step_cost, next, cell.terminated});
  }

  GridTask& task_;
  const GridMap& map_;
};

}  // namespace

std::string grid_map_text(const std::string& name_or_path) {
  if (const BundledMap* bundled = find_bundled_map(name_or_path)) return std::string(bundled->text);
  std::error_code error;
  if (!std::filesystem::exists(name_or_path, error)) {
    std::vector<std::string_view> names;
    for (const BundledMap& map : bundled_maps()) names.push_back(map.name);
    fail("map ", name_or_path, " is neither a file nor a bundled map", suggestion(name_or_path, names));
  }
  return read_map_file(name_or_path);
}

GridMap load_grid_map(const std::string& name_or_path) {
  return parse_grid_map(grid_map_text(name_or_path), name_or_path);
}

GridTask grid_world_task(const GridMap& map, const std::string& name) {
  if (!(map.slip >= 0 && map.slip <= 1)) fail("slip is ", map.slip, ", must be from 0 to 1");
  GridTask task;
  task.name = name;
  task.rows = static_cast<std::int32_t>(map.rows.size());
  task.cols = static_cast<std::int32_t>(map.rows.front().size());
  task.directions = {Direction::kUp, Direction::kRight, Direction::kDown, Direction::kLeft};
  task.max_episode_steps = map.max_steps;
  task.reward_threshold = map.solved_return;
  for (const std::string& row : map.rows) {
    task.symbols += row;
    for (char letter : row) task.cells.push_back(cell_of_symbol(letter));
  }

  const std::int32_t num_states = task.rows * task.cols;
  task.mdp = TabularMdp(num_states, 4);
  TableBuilder builder(task, map);
  for (std::int32_t s = 0; s < num_states; ++s) builder.add_state(s);
  const auto starts = static_cast<double>(std::count(task.symbols.begin(), task.symbols.end(), 'S'));
  for (std::int32_t s = 0; s < num_states; ++s)
    if (task.cells[static_cast<std::size_t>(s)] == Cell::kStart) task.mdp.add_start(s, 1.0 / starts);
  task.mdp.finish();
  return task;
}

}  // namespace bellman
