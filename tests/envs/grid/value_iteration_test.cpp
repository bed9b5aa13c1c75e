// Exact values against linear solves (scripts/golden/envs.py), closed forms and textbooks.
#include "envs/grid/value_iteration.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/rng.h"
#include "envs/grid/grid_world.h"
#include "envs/grid/toy_text.h"
#include "tests/envs/grid/grid_tasks.h"
#include "tests/support/error_message.h"
#include "tests/support/golden.h"

namespace bellman::test {
namespace {

GridTask grid(const std::string& map) { return grid_world_task(load_grid_map(map), map); }

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

/// Steps from every cell to the nearest goal, by breadth-first search on the picture alone; -1: out of reach.
std::vector<int> distances_to_goal(const GridTask& task) {
  std::vector<int> distance(task.cells.size(), -1);
  std::vector<std::int32_t> frontier;
  for (std::int32_t s = 0; s < task.mdp.num_states(); ++s)
    if (task.cells[static_cast<std::size_t>(s)] == Cell::kGoal) {
      distance[static_cast<std::size_t>(s)] = 0;
      frontier.push_back(s);
    }
  for (std::size_t i = 0; i < frontier.size(); ++i)
    for (const Direction direction : task.directions) {
      const auto next = static_cast<std::size_t>(task.neighbour(frontier[i], direction));
      const bool open = task.cells[next] != Cell::kWall && task.cells[next] != Cell::kPit;
      if (!open || distance[next] >= 0) continue;
      distance[next] = distance[static_cast<std::size_t>(frontier[i])] + 1;
      frontier.push_back(static_cast<std::int32_t>(next));
    }
  return distance;
}

/// Every gridworld that comes with the program, as it is and slippery.
std::vector<GridTask> all_tasks() {
  std::vector<GridTask> tasks = {cliff_walking_task(), lake("4x4"), lake("8x8"),
                                 lake("8x8", {.slippery = false})};
  for (const BundledMap& bundled : bundled_maps()) {
    GridMap map = load_grid_map(std::string(bundled.name));
    tasks.push_back(grid_world_task(map, std::string(bundled.name)));
    map.slip = 0.3;
    tasks.push_back(grid_world_task(map, std::string(bundled.name) + ", slippery"));
  }
  return tasks;
}

/// Plain value iteration, or with a policy the plain sweeps of its evaluation, in long double: 1/(1 - gamma)
/// times a few hundred sweeps.
std::vector<double> swept_values(const TabularMdp& mdp, const Policy* policy, double gamma) {
  const auto states = static_cast<std::size_t>(mdp.num_states());
  std::vector<long double> v(states, 0.0L);
  for (long double change = 1; change > 1e-16L * static_cast<long double>(1 - gamma);) {
    change = 0;
    for (std::int32_t s = 0; s < mdp.num_states(); ++s) {
      if (!mdp.playable(s)) continue;
      long double best = -std::numeric_limits<long double>::infinity();
      for (std::int32_t a = 0; a < mdp.num_actions(); ++a) {
        if (policy && (*policy)[static_cast<std::size_t>(s)] != a) continue;
        long double q = 0;
        for (const Outcome& o : mdp.outcomes(s, a))
          q += static_cast<long double>(o.probability) *
               (o.reward + (o.terminated ? 0 : gamma * v[static_cast<std::size_t>(o.next)]));
        best = std::max(best, q);
      }
      const auto i = static_cast<std::size_t>(s);
      change = std::max(change, std::abs(best - v[i]) / std::max(1.0L, std::abs(best)));
      v[i] = best;
    }
  }
  return {v.begin(), v.end()};
}

TEST_CASE("the values of every gridworld are those of plain sweeps, optimal ones and a policy's") {
  for (const GridTask& task : all_tasks())
    for (const double gamma : {0.0, 0.5, 0.9, 0.99}) {
      CAPTURE(task.name);
      CAPTURE(gamma);
      const std::vector<double> best = swept_values(task.mdp, nullptr, gamma);
      const TabularValues values = value_iteration(task.mdp, gamma);
      CHECK(largest_difference(values.v, best) <= 1e-12 * max_magnitude(best));
      Policy policy(task.cells.size());
      for (std::size_t s = 0; s < policy.size(); ++s)
        policy[s] = static_cast<std::int32_t>(random_words({1, Purpose::kTest, 0}, s)[0] % 4);
      const std::vector<double> own = swept_values(task.mdp, &policy, gamma);
      CHECK(largest_difference(evaluate_policy(task.mdp, policy, gamma).v, own) <=
            1e-12 * max_magnitude(own));
    }
}

TEST_CASE("with gamma near 1 and of 1 values take no longer, and are those of the limit") {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  for (const GridTask& task : all_tasks()) {
    CAPTURE(task.name);
    const TabularValues limit = value_iteration(task.mdp, 1.0);
    CHECK(limit.residual <= 1e-12 * max_magnitude(limit.v));
    for (const double gamma : {0.9999999, 0.9999}) {
      CAPTURE(gamma);
      const TabularValues values = value_iteration(task.mdp, gamma);
      CHECK(values.residual <= 1e-12 * max_magnitude(values.v));
      // A reward t steps away counts gamma^t: no less than 1 - t (1 - gamma), and an end is near.
      CHECK(largest_difference(values.v, limit.v) <= 2000 * (1 - gamma) * max_magnitude(limit.v));
      // What never ends: its rewards' sum is 1/(1 - gamma) times as large.
      for (const std::int32_t action : {0, 1, 2, 3}) {
        const TabularValues own = evaluate_policy(task.mdp, constant_policy(task, action), gamma);
        CHECK(own.residual <= 1e-12 * max_magnitude(own.v));
        for (std::size_t s = 0; s < own.v.size(); ++s)
          REQUIRE(own.v[s] <= values.v[s] + 1e-9 * max_magnitude(own.v));
      }
    }
  }
  CHECK(std::chrono::duration<double>(Clock::now() - begin).count() < 20);  // one by one; milliseconds each
}

TEST_CASE("without discount: what has no end has a value if nothing is paid, and none otherwise") {
  // A cell behind walls, which no walk leaves.
  const std::string walled = "S.G\n###\n...\n";
  const GridTask free = grid_world_task(parse_grid_map(walled, "free"), "free");
  CHECK(value_iteration(free.mdp, 1.0).v == std::vector<double>{1, 1, 0, 0, 0, 0, 0, 0, 0});
  CHECK(evaluate_policy(free.mdp, constant_policy(free, 0), 1.0).v == std::vector<double>(9, 0.0));
  const GridTask dear = grid_world_task(parse_grid_map("step_cost: 0.5\n" + walled, "dear"), "dear");
  CHECK(error_message([&] { value_iteration(dear.mdp, 1.0); }) ==
        "with gamma 1, state 6 has no finite value: rewards follow without an end");
  CHECK(std::abs(value_iteration(dear.mdp, 0.9999999).v[6] / -5e6 - 1) <= 1e-9);
  CHECK(value_iteration(dear.mdp, 0.9999999).v[1] == 0.5);
}

TEST_CASE("the values of a large map, slippery and with gamma near 1, take seconds at most") {
  std::string text = "slip: 0.2\nstep_cost: 0.001\n\n";
  for (std::size_t row = 0; row < 64; ++row) {
    std::string line(64, '.');
    for (std::size_t col = 0; col < line.size(); ++col)
      if (random_words({7, Purpose::kTest, 0}, row * 64 + col)[0] % 5 == 0) line[col] = '#';
    if (row == 0) line[0] = 'S';
    if (row == 63) line[63] = 'G';
    text += line + "\n";
  }
  const GridTask task = grid_world_task(parse_grid_map(text, "large"), "large");
  const auto begin = std::chrono::steady_clock::now();
  const TabularValues values = value_iteration(task.mdp, 0.9999999);
  CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() < 10);
  // An action counts as better from 1e-11 of a value on: so much may be missing in each state.
  CHECK(values.residual <= 1e-11 * max_magnitude(values.v));
}

TEST_CASE("Q* of FrozenLake and CliffWalking is that of policy iteration with linear solves") {
  const Golden golden("golden_values");
  REQUIRE(golden.keys("cases").size() == 6);
  for (const std::string& name : golden.keys("cases")) {
    CAPTURE(name);
    const std::string path = "cases." + name;
    const GridTask task = golden_task(name);
    const double gamma = golden.number(path + ".gamma");
    const TabularValues values = value_iteration(task.mdp, gamma);
    CHECK(values.residual <= 1e-12 * max_magnitude(values.v));
    check_values(values.q, golden[path + ".q"].values(), gamma);
    for (std::size_t s = 0; s < values.v.size(); ++s) {
      const double best = *std::max_element(&values.q[4 * s], &values.q[4 * s] + 4);
      REQUIRE(std::abs(values.v[s] - best) <= 1e-12 * max_magnitude(values.v));
    }

    // A greedy policy is worth what the optimum is worth, whichever of equal actions it takes.
    const Policy greedy = greedy_policy(task.mdp, values.q);
    check_values(evaluate_policy(task.mdp, greedy, gamma).v, values.v, gamma);
  }
}

TEST_CASE("the slippery 4x4 lake is crossed with probability 14/17 when there is time enough") {
  const GridTask task = lake("4x4");
  const TabularValues values = value_iteration(task.mdp, 1.0);
  CHECK(std::abs(start_value(task.mdp, values.v) - 14.0 / 17.0) <= 1e-9);
  CHECK(std::abs(Golden("golden_values").number("undiscounted_lake") - 14.0 / 17.0) <= 1e-9);
  const EpisodeForecast forecast = forecast_episode(task.mdp, greedy_policy(task.mdp, values.q), 10'000);
  CHECK(std::abs(forecast.ending_in[15] - 14.0 / 17.0) <= 1e-9);
  CHECK(forecast.truncated <= 1e-12);
}

TEST_CASE("Russell and Norvig's world has the utilities of their figure 17.3") {
  const GridTask task = grid("russell_norvig");
  const TabularValues values = value_iteration(task.mdp, 1.0);
  const std::vector<double> printed = {0.812, 0.868, 0.918, 0,     0.762, 0,
                                       0.660, 0,     0.705, 0.655, 0.611, 0.388};
  for (std::size_t s = 0; s < printed.size(); ++s) {
    CAPTURE(s);
    CHECK(std::abs(values.v[s] - printed[s]) <= 0.0005 + 1e-9);
  }
}

TEST_CASE("on firm ground the values are those of the shortest ways") {
  for (const std::string map : {"four_rooms", "dyna_maze"}) {
    CAPTURE(map);
    const GridTask task = grid(map);
    const GridMap text = load_grid_map(map);
    const std::vector<int> distance = distances_to_goal(task);
    constexpr double kGamma = 0.95;
    const TabularValues values = value_iteration(task.mdp, kGamma);
    for (std::int32_t s = 0; s < task.mdp.num_states(); ++s) {
      if (!task.mdp.playable(s)) continue;
      const auto i = static_cast<std::size_t>(s);
      REQUIRE(distance[i] > 0);
      // d steps that cost c each, and the goal with the last: gamma^(d-1) g - c (1 - gamma^d) / (1 - gamma).
      const double expected = std::pow(kGamma, distance[i] - 1) * text.goal_reward -
                              text.step_cost * (1 - std::pow(kGamma, distance[i])) / (1 - kGamma);
      REQUIRE(std::abs(values.v[i] - expected) <= 1e-11);
    }
    const auto start = static_cast<std::size_t>(task.mdp.starts().front().state);
    CHECK(distance[start] == (map == "four_rooms" ? 20 : 14));
  }
}

TEST_CASE("four rooms count as solved by the shortest way alone") {
  const GridTask task = grid("four_rooms");
  CHECK(std::abs(optimal_return(task.mdp, task.max_episode_steps) - 0.80) <= 1e-12);
  CHECK(task.reward_threshold < 0.80);
  CHECK(task.reward_threshold > 0.78);  // the next longer way has 22 steps
}

TEST_CASE("the bridge is worth its danger on dry ground alone") {
  const auto first_action = [](double slip) {
    GridMap map = load_grid_map("bridge");
    map.slip = slip;
    const GridTask task = grid_world_task(map, "bridge");
    const auto start = static_cast<std::size_t>(task.mdp.starts().front().state);
    return greedy_policy(task.mdp, value_iteration(task.mdp, 0.99).q)[start];
  };
  CHECK(first_action(0) == 1);  // right, over the bridge
  CHECK(first_action(0.1) != 1);
}

TEST_CASE(
    "only terminated stops bootstrapping: nothing follows an end, even in a state that goes on otherwise") {
  // One state, from which action 0 ends the task and action 1 stays; both lead into the state itself.
  TabularMdp mdp(1, 2);
  mdp.add(0, 0, {1, 3, 0, true});
  mdp.add(0, 1, {1, 1, 0, false});
  mdp.add_start(0, 1);
  mdp.finish();
  const TabularValues values = value_iteration(mdp, 0.5);
  CHECK(values.q == std::vector<double>{3, 2.5});  // 1 + 0.5 * 3
  CHECK(action_value(mdp, std::vector<double>{10}, 0.5, 0, 0) == 3);
  CHECK(action_value(mdp, std::vector<double>{10}, 0.5, 0, 1) == 6);  // 1 + 0.5 * 10
  const TabularValues staying = evaluate_policy(mdp, Policy{1}, 0.5);
  CHECK(staying.q[0] == 3);
  CHECK(std::abs(staying.q[1] - 2) <= 4e-12);
  CHECK(optimal_return(mdp, 10) == 9 + 3);
}

}  // namespace
}  // namespace bellman::test
