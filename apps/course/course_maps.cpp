#include "apps/course/course_maps.h"

#include "core/base/text.h"
#include "envs/grid/grid_world.h"

namespace bellman {

GridTask cliff_task(double slip) {
  GridMap map = parse_grid_map("pit_reward: 0\n......\n......\nSHHHHG\n", "the course's cliff");
  map.slip = slip;
  return grid_world_task(map, "Cliff");
}

Policy cliff_policy(const GridTask& task, std::int32_t row) {
  constexpr std::int32_t kUp = 0, kRight = 1, kDown = 2;
  Policy policy(task.cells.size(), kUp);
  for (std::int32_t r = 0; r < task.rows; ++r)
    for (std::int32_t c = 0; c < task.cols; ++c)
      policy[static_cast<std::size_t>(task.state(r, c))] = c == task.cols - 1 ? kDown
                                                           : r > row          ? kUp
                                                           : r < row          ? kDown
                                                                              : kRight;
  return policy;
}

GridTask bush_task(double bush, double slip) {
  GridMap map = parse_grid_map("b: reward=" + number_text(bush) +
                                   "\n"
                                   "b..#...\n"
                                   ".#...#.\n"
                                   ".#.#.#G\n"
                                   "...S...\n",
                               "the course's bush");
  map.slip = slip;
  return grid_world_task(map, "Bush");
}

GridTask pond_task(double slip) {
  GridMap map = parse_grid_map("S....\n.H.H.\n...H.\nH...G\n", "the course's pond");
  map.slip = slip;
  return grid_world_task(map, "Pond");
}

}  // namespace bellman
