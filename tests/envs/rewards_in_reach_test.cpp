#include <cmath>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include "envs/env.h"
#include "envs/grid/grid_world.h"
#include "envs/grid/tabular_mdp.h"
#include "tests/support/not_finite.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

EnvSpec spec_of(const std::string& id, const std::string& map = "", Index max_episode_steps = -1,
                bool sutton_barto = false) {
  EnvOptions options;
  options.id = id;
  options.map = map;
  options.max_episode_steps = max_episode_steps;
  options.sutton_barto_reward = sutton_barto;
  return make_env(options)->spec();
}

EnvSpec spec_of_map(const std::string& id, const std::string& text) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "map.txt") << text;
  return spec_of(id, (directory / "map.txt").string());
}

TEST_CASE("what an episode returns at most") {
  CHECK(spec_of("CartPole-v1").highest_return == 500);
  CHECK(spec_of("CartPole-v1", "", 200).highest_return == 200);
  CHECK(spec_of("CartPole-v1", "", 0).highest_return == kInfinity);
  CHECK(spec_of("CartPole-v1", "", -1, true).highest_return == 0);
  CHECK(spec_of("FrozenLake-v1").highest_return == 1);
  CHECK(spec_of("CliffWalking-v1").highest_return == -1);
  CHECK(spec_of_map("GridWorld-v0", "step_cost: 0.25\nSG\n").highest_return == 0.75);
  // A marked cell can be entered time and again.
  CHECK(spec_of_map("GridWorld-v0", "a: reward=2\nmax_steps: 10\nSaG\n").highest_return == 20);
  CHECK(spec_of_map("GridWorld-v0", "a: reward=2\nmax_steps: 0\nSaG\n").highest_return == kInfinity);
}

TEST_CASE("a goal that no way leads to is out of reach") {
  for (const char* id :
       {"FrozenLake-v1", "FrozenLake8x8-v1", "CliffWalking-v1", "GridWorld-v0", "FourRooms-v0"})
    CHECK_MESSAGE(spec_of(id).goal_in_reach, id);
  CHECK(spec_of("CartPole-v1").goal_in_reach);
  const EnvSpec lake = spec_of_map("FrozenLake-v1", "SFH\nFHF\nHFG\n");
  CHECK(!lake.goal_in_reach);
  CHECK(lake.highest_return == 0);
  CHECK(spec_of_map("FrozenLake-v1", "SFF\nFHF\nHFG\n").goal_in_reach);
  CHECK(!spec_of_map("GridWorld-v0", "S#G\n").goal_in_reach);
  // One of two starts suffices; another end of the task does not, but where the map has no goal.
  CHECK(spec_of_map("GridWorld-v0", "S#GS\n").goal_in_reach);
  CHECK(!spec_of_map("GridWorld-v0", "b: reward=0.5 terminal\nSb#G\n").goal_in_reach);
  CHECK(spec_of_map("GridWorld-v0", "b: reward=0.5 terminal\nSb\n").goal_in_reach);
}

TEST_CASE("observations that are kept as bytes") {
  const auto bytes = [](const std::string& id, const std::string& observation) {
    EnvOptions options;
    options.id = id;
    options.observation = observation;
    return make_env(options)->spec().byte_observations;
  };
  CHECK(bytes("CliffWalking-v1", "one_hot"));
  CHECK(bytes("CliffWalking-v1", "planes"));
  CHECK(!bytes("CliffWalking-v1", "coordinates"));
  CHECK(!bytes("CartPole-v1", "one_hot"));
}

}  // namespace
}  // namespace bellman::test
