// What must hold for any input: random maps, random bytes, random play.
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "core/base/check.h"
#include "envs/grid/grid_world.h"
#include "envs/grid/tabular_env.h"
#include "envs/grid/value_iteration.h"

namespace bellman::test {
namespace {

/// A map of 1 to 6 rows and columns with at least a start and a goal, some slip and a mark.
rc::Gen<std::string> random_map() {
  return rc::gen::exec([] {
    const int rows = *rc::gen::inRange(1, 7), cols = *rc::gen::inRange(2, 7);
    std::string cells = *rc::gen::container<std::string>(static_cast<std::size_t>(rows * cols),
                                                         rc::gen::elementOf(std::string("....#HSGm")));
    cells[0] = 'S';
    cells[1] = 'G';
    std::string text = "slip: 0." + std::to_string(*rc::gen::inRange(0, 10)) + "\nstep_cost: 0.1\n";
    if (cells.find('m') != std::string::npos) text += "m: reward=0.3\n";
    for (int row = 0; row < rows; ++row)
      text += cells.substr(static_cast<std::size_t>(row * cols), static_cast<std::size_t>(cols)) + "\n";
    return text;
  });
}

TEST_CASE("no text makes the map reader do anything but read or refuse") {
  CHECK(rc::check("arbitrary bytes", [](const std::string& text) {
    try {
      const GridMap map = parse_grid_map(text, "M");
      RC_ASSERT(!map.rows.empty());
    } catch (const Error&) {
    }
  }));
  CHECK(rc::check("a good map with one byte changed", [] {
    std::string text = *random_map();
    text[*rc::gen::inRange<std::size_t>(0, text.size())] = *rc::gen::arbitrary<char>();
    try {
      grid_world_task(parse_grid_map(text, "M"), "M");
    } catch (const Error&) {
    }
  }));
}

TEST_CASE("in any map: play stays in possible states, and steps are outcomes of the table") {
  CHECK(rc::check([] {
    const GridTask task = grid_world_task(parse_grid_map(*random_map(), "M"), "M");
    TabularEnv env("GridWorld-v0", task, GridObservation::kOneHot, 50);
    env.seed({*rc::gen::arbitrary<std::uint64_t>(), Purpose::kTest, 0});
    env.reset();
    for (int i = 0; i < 100; ++i) {
      const auto before = static_cast<std::int32_t>(env.state()[0]);
      RC_ASSERT(task.mdp.playable(before));
      const int action = *rc::gen::inRange(0, 4);
      const StepResult result = env.step(action);
      const auto after = static_cast<std::int32_t>(env.state()[0]);
      bool possible = false;
      for (const Outcome& o : task.mdp.outcomes(before, action))
        possible = possible || (o.next == after && static_cast<float>(o.reward) == result.reward &&
                                o.terminated == result.terminated && o.probability > 0);
      RC_ASSERT(possible);
      const std::vector<double> state = env.state();
      env.set_state(state);
      RC_ASSERT(env.state() == state);
      if (result.terminated || result.truncated) env.reset();
    }
  }));
}

TEST_CASE("in any map: the optimum satisfies Bellman's equation, and no policy is better") {
  CHECK(rc::check([] {
    const GridTask task = grid_world_task(parse_grid_map(*random_map(), "M"), "M");
    const double gamma = 0.01 * *rc::gen::inRange(0, 99);
    const TabularValues best = value_iteration(task.mdp, gamma);
    const Policy policy = *rc::gen::container<Policy>(task.cells.size(), rc::gen::inRange(0, 4));
    const TabularValues own = evaluate_policy(task.mdp, policy, gamma);
    const TabularValues greedy = evaluate_policy(task.mdp, greedy_policy(task.mdp, best.q), gamma);
    const double slack = 1e-10 / (1 - gamma);
    for (std::size_t s = 0; s < task.cells.size(); ++s) {
      RC_ASSERT(own.v[s] <= best.v[s] + slack);
      RC_ASSERT(std::abs(greedy.v[s] - best.v[s]) <= slack);
    }
    RC_ASSERT(best.residual <= 1e-12 * (1 + 2 / (1 - gamma)));
    // Without discount, neither can a stationary policy beat the one that counts its steps.
    const EpisodeForecast episode = forecast_episode(task.mdp, policy, 30);
    RC_ASSERT(episode.expected_return <= optimal_return(task.mdp, 30) + 1e-10);
    double ends = episode.truncated;
    for (double p : episode.ending_in) ends += p;
    RC_ASSERT(std::abs(ends - 1) <= 1e-12);
  }));
}

}  // namespace
}  // namespace bellman::test
