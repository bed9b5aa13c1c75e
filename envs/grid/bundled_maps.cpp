#include "envs/grid/bundled_maps.h"

#include <array>

namespace bellman {
namespace {

// 20 steps from corner to corner give 1 - 20 * 0.01 = 0.80, any detour 0.78 or less.
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

}  // namespace bellman
