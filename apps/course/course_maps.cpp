#include "apps/course/course_maps.h"

#include <algorithm>
#include <string>

#include "core/base/text.h"
#include "envs/grid/grid_world.h"

namespace bellman {
namespace {

/// The task whose rewards are r - noise or r + noise, each half as likely as r was; the step that ends the task keeps its own.
GridTask with_noise(GridTask task, double noise) {
  const TabularMdp plain = task.mdp;
  task.mdp = TabularMdp(plain.num_states(), plain.num_actions());
  for (std::int32_t s = 0; s < plain.num_states(); ++s)
    for (std::int32_t a = 0; a < plain.num_actions(); ++a)
      for (Outcome outcome : plain.outcomes(s, a)) {
        const double reward = outcome.reward;
        if (!outcome.terminated) outcome.probability /= 2, outcome.reward = reward - noise;
        task.mdp.add(s, a, outcome);
        outcome.reward = reward + noise;
        if (!outcome.terminated) task.mdp.add(s, a, outcome);
      }
  for (std::int32_t s = 0; s < plain.num_states(); ++s)
    if (!plain.playable(s)) task.mdp.exclude(s);
  for (const TabularMdp::Start& start : plain.starts()) task.mdp.add_start(start.state, start.probability);
  task.mdp.finish();
  return task;
}

}  // namespace

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
  GridMap map = parse_grid_map("a: reward=0.3 terminal\nS..a\n.H..\n...H\nH..G\n", "the course's pond");
  map.slip = slip;
  return grid_world_task(map, "Pond");
}

GridTask noisy_task(double noise) {
  const GridMap map =
      parse_grid_map("step_cost: 1\ngoal_reward: 6\n..G\n...\nS..\n", "the course's noisy grid");
  return with_noise(grid_world_task(map, "Noisy"), noise);
}

GridTask corridor_task(double slip, double noise) {
  GridMap map = parse_grid_map("step_cost: 1\ngoal_reward: 0\nS........G\n", "the course's corridor");
  map.slip = slip;
  return with_noise(grid_world_task(map, "Corridor"), noise);
}

GridTask wall_task(bool wall) {
  std::string text = ".........\n.........\n";
  for (int row = 2; row < 6; ++row) text += "....#....\n";
  text += "S...#...G\n";
  if (!wall) std::replace(text.begin(), text.end(), '#', '.');
  return grid_world_task(parse_grid_map(text, "the course's wall"), "Wall");
}

}  // namespace bellman
