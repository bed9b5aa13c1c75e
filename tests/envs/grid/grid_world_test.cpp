// GridWorld's rules, observations and drawings.
#include "envs/grid/grid_world.h"

#include <string>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include "envs/grid/grid_task.h"
#include "envs/grid/tabular_env.h"
#include "envs/grid/value_iteration.h"
#include "tests/support/error_message.h"

namespace bellman::test {
namespace {

GridTask task_of(const std::string& text) { return grid_world_task(parse_grid_map(text, "M"), "M"); }

/// "p r next terminated" of each outcome.
std::vector<std::vector<double>> outcomes_of(const GridTask& task, std::int32_t state, std::int32_t action) {
  std::vector<std::vector<double>> out;
  for (const Outcome& o : task.mdp.outcomes(state, action))
    out.push_back({o.probability, o.reward, double(o.next), double(o.terminated)});
  return out;
}

using Rows = std::vector<std::vector<double>>;

constexpr const char* kMap =
    "step_cost: 0.25\n"
    "goal_reward: 4\n"
    "pit_reward: -2\n"
    "a: reward=0.5\n"
    "b: reward=3 terminal\n"
    "S.#\n"
    "aHG\n"
    "b..\n";

TEST_CASE("moves, walls, edges and what entering a cell gives") {
  const GridTask task = task_of(kMap);
  CHECK(outcomes_of(task, 0, 1) == Rows{{1, -0.25, 1, 0}});  // onto floor
  CHECK(outcomes_of(task, 0, 0) == Rows{{1, -0.25, 0, 0}});  // off the map
  CHECK(outcomes_of(task, 1, 1) == Rows{{1, -0.25, 1, 0}});  // into a wall
  CHECK(outcomes_of(task, 0, 2) == Rows{{1, 0.25, 3, 0}});   // onto a mark
  CHECK(outcomes_of(task, 3, 3) == Rows{{1, 0.25, 3, 0}});   // staying on it enters it again
  CHECK(outcomes_of(task, 1, 2) == Rows{{1, -2.25, 4, 1}});  // into the pit
  CHECK(outcomes_of(task, 8, 0) == Rows{{1, 3.75, 5, 1}});   // into the goal
  CHECK(outcomes_of(task, 3, 2) == Rows{{1, 2.75, 6, 1}});   // onto a terminal mark
  for (const std::int32_t s : {2, 4, 5, 6}) CHECK(!task.mdp.playable(s));
  for (const std::int32_t s : {0, 1, 3, 7, 8}) CHECK(task.mdp.playable(s));
  CHECK(!task.mdp.ends_task(2));
  for (const std::int32_t s : {4, 5, 6}) CHECK(task.mdp.ends_task(s));
  CHECK(task.max_episode_steps == 36);
}

TEST_CASE("a slip goes to the left or the right of the direction") {
  const GridTask task = task_of("slip: 0.5\n...\n.S.\n..G\n");
  CHECK(outcomes_of(task, 4, 0) == Rows{{0.25, 0, 3, 0}, {0.5, 0, 1, 0}, {0.25, 0, 5, 0}});  // up
  CHECK(outcomes_of(task, 4, 1) == Rows{{0.25, 0, 1, 0}, {0.5, 0, 5, 0}, {0.25, 0, 7, 0}});  // right
  CHECK(outcomes_of(task, 4, 2) == Rows{{0.25, 0, 5, 0}, {0.5, 0, 7, 0}, {0.25, 0, 3, 0}});  // down
  CHECK(outcomes_of(task, 4, 3) == Rows{{0.25, 0, 7, 0}, {0.5, 0, 3, 0}, {0.25, 0, 1, 0}});  // left
}

TEST_CASE("the option slip overrides the map's") {
  EnvOptions options;
  options.id = "GridWorld-v0";
  options.map = "bridge";
  const auto outcomes = [&] { return as_tabular(*make_env(options))->task().mdp.outcomes(0, 0).size(); };
  CHECK(outcomes() == 3);
  options.slip = 0;
  CHECK(outcomes() == 1);
}

TEST_CASE("several starts are equally likely") {
  const GridTask task = task_of("S.S\nSGS\n");
  REQUIRE(task.mdp.starts().size() == 4);
  for (const TabularMdp::Start& start : task.mdp.starts()) CHECK(start.probability == 0.25);
  CHECK(task.mdp.start_state(0) == 0);
  CHECK(task.mdp.start_state(0.3) == 2);
  CHECK(task.mdp.start_state(0.999) == 5);
}

TEST_CASE("a map of starts alone beside its goal, as many as fit") {
  std::string text;
  for (int row = 0; row < 256; ++row) text += std::string(255, 'S') + "G\n";
  const GridTask task = task_of(text);
  CHECK(task.mdp.starts().size() == 256 * 255);
  CHECK(task.mdp.start_state(1 - 0x1p-53) >= 0);
}

TEST_CASE("observations: one hot, coordinates, planes") {
  const GridTask task = task_of(kMap);
  const auto observe = [&](GridObservation kind, std::int32_t state) {
    const TabularEnv env("GridWorld-v0", task, kind, 0);
    std::vector<float> out(static_cast<std::size_t>(env.spec().observation_shape.elements()), 7.0F);
    env.observe_state(out, state);
    return std::pair(env.spec().observation_shape, out);
  };
  CHECK(observe(GridObservation::kOneHot, 7) ==
        std::pair(Shape{9}, std::vector<float>{0, 0, 0, 0, 0, 0, 0, 1, 0}));
  CHECK(observe(GridObservation::kCoordinates, 0) == std::pair(Shape{2}, std::vector<float>{0, 0}));
  CHECK(observe(GridObservation::kCoordinates, 7) == std::pair(Shape{2}, std::vector<float>{1, 0.5F}));
  CHECK(observe(GridObservation::kPlanes, 7) ==
        std::pair(Shape{5, 3, 3}, std::vector<float>{
                                      0, 0, 0, 0, 0, 0, 0, 1, 0,  // agent
                                      0, 0, 1, 0, 0, 0, 0, 0, 0,  // walls
                                      0, 0, 0, 0, 0, 1, 0, 0, 0,  // goals
                                      0, 0, 0, 0, 1, 0, 0, 0, 0,  // pits
                                      0, 0, 0, 1, 0, 0, 1, 0, 0,  // marks
                                  }));
  const TabularEnv narrow("GridWorld-v0", task_of("S.G\n"), GridObservation::kCoordinates, 0);
  std::vector<float> out(2);
  narrow.observe_state(out, 2);
  CHECK(out == std::vector<float>{0, 1});
}

TEST_CASE("coordinates and planes of maps that are not square") {
  struct Shaped {
    std::string text;
    std::int32_t rows, cols;
  };
  for (const Shaped& map :
       {Shaped{"S..\n..G\n", 2, 3}, Shaped{"S.\n..\n.G\n", 3, 2}, Shaped{"S...\n...G\n", 2, 4},
        Shaped{"S\n.\n.\nG\n", 4, 1}, Shaped{"S..G\n", 1, 4}, Shaped{"S....\n.....\n....G\n", 3, 5}}) {
    const std::string& text = map.text;
    const std::int32_t rows = map.rows, cols = map.cols;
    CAPTURE(text);
    const TabularEnv coordinates("GridWorld-v0", task_of(text), GridObservation::kCoordinates, 0);
    const TabularEnv planes("GridWorld-v0", task_of(text), GridObservation::kPlanes, 0);
    CHECK(planes.spec().observation_shape == Shape{kGridPlanes, rows, cols});
    for (std::int32_t row = 0; row < rows; ++row)
      for (std::int32_t col = 0; col < cols; ++col) {
        const std::int32_t state = row * cols + col;
        std::vector<float> at(2), plane(static_cast<std::size_t>(kGridPlanes * rows * cols));
        coordinates.observe_state(at, state);
        CHECK(at[0] == doctest::Approx(rows > 1 ? double(row) / (rows - 1) : 0));
        CHECK(at[1] == doctest::Approx(cols > 1 ? double(col) / (cols - 1) : 0));
        planes.observe_state(plane, state);
        for (std::int32_t s = 0; s < rows * cols; ++s) {
          CHECK(plane[static_cast<std::size_t>(s)] == (s == state));
          CHECK(plane[static_cast<std::size_t>(2 * rows * cols + s)] == (s == rows * cols - 1));  // the goal
        }
        const GridTask& task = coordinates.task();
        CHECK(task.neighbour(state, Direction::kUp) == (row > 0 ? state - cols : state));
        CHECK(task.neighbour(state, Direction::kDown) == (row + 1 < rows ? state + cols : state));
        CHECK(task.neighbour(state, Direction::kLeft) == (col > 0 ? state - 1 : state));
        CHECK(task.neighbour(state, Direction::kRight) == (col + 1 < cols ? state + 1 : state));
      }
  }
}

TEST_CASE("an environment observes the state that it is in") {
  for (const std::string kind : {"one_hot", "coordinates", "planes"}) {
    EnvOptions options;
    options.id = "FourRooms-v0";
    options.observation = kind;
    const auto env = make_env(options);
    env->reset();
    env->step(1);
    env->step(2);
    const TabularEnv& grid = *as_tabular(*env);
    const auto n = static_cast<std::size_t>(env->spec().observation_shape.elements());
    std::vector<float> now(n), expected(n);
    env->observe(now);
    grid.observe_state(expected, grid.task().state(2, 2));
    CHECK(now == expected);
  }
  CHECK(as_tabular(*make_env({})) == nullptr);
}

TEST_CASE("drawings of a map, a policy and values") {
  const GridTask task = task_of("step_cost: 0.1\nS.#\n.HG\n...\n");
  CHECK(draw_map(task) == "S.#\n.HG\n...\n");
  CHECK(draw_map(task, 7) == "S.#\n.HG\n.@.\n");
  const TabularValues values = value_iteration(task.mdp, 1.0);
  CHECK(draw_policy(task, greedy_policy(task.mdp, values.q)) == "↓←#\n↓HG\n→→↑\n");
  CHECK(draw_values(task, values.v) ==
        " 0.500 0.400     #\n"
        " 0.600     H     G\n"
        " 0.700 0.800 0.900\n");
  // Action numbers are the environment's: in a lake, 1 is down.
  EnvOptions lake;
  lake.id = "FrozenLake-v1";
  CHECK(draw_policy(as_tabular(*make_env(lake))->task(), Policy(16, 1)) == "↓↓↓↓\n↓H↓H\n↓↓↓H\nH↓↓G\n");
}

TEST_CASE("a task refuses a slip that is no probability") {
  GridMap map = load_grid_map("bridge");
  map.slip = -0.5;
  CHECK(error_message([&] { grid_world_task(map, "M"); }) == "slip is -0.5, must be from 0 to 1");
}

}  // namespace
}  // namespace bellman::test
