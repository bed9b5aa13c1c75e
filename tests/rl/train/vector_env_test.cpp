#include "rl/train/vector_env.h"

#include <vector>

#include <doctest/doctest.h>

#include "tests/rl/train/scripted_env.h"

namespace bellman {
namespace {

std::vector<float> copy(std::span<const float> values) { return {values.begin(), values.end()}; }

TEST_CASE("nothing resets itself: after an end the observation is the final one until reset") {
  VectorEnv envs(test::scripted_env(2, test::episodes_of(2, test::kTruncated)), 2, 7);
  envs.reset(0);
  envs.reset(1);
  envs.step(0, 0);
  const StepResult result = envs.step(0, 1);
  CHECK(result.truncated);
  CHECK(copy(envs.observation(0)) == std::vector<float>{0, 0, 2});
  CHECK(copy(envs.observations()) == std::vector<float>{0, 0, 2, 1, 0, 0});
  CHECK(envs.episode_return(0) == 1 + 2);
  CHECK(envs.episode_length(0) == 2);
  envs.reset(0);
  CHECK(copy(envs.observation(0)) == std::vector<float>{0, 1, 0});
  CHECK(envs.episode_return(0) == 0);
  CHECK(envs.episode_length(0) == 0);
}

TEST_CASE("an environment plays the same however many others there are") {
  const EnvFactory cartpole = [] { return make_env({}); };
  std::vector<std::vector<float>> trajectories;
  for (const Index count : {3, 5}) {
    VectorEnv envs(cartpole, count, 11);
    for (Index e = 0; e < count; ++e) envs.reset(e);
    for (int t = 0; t < 5; ++t)
      for (Index e = 0; e < count; ++e) envs.step(e, t % 2);
    trajectories.push_back(copy(envs.observation(2)));
    CHECK(copy(envs.observation(0)) != copy(envs.observation(2)));
  }
  CHECK(trajectories[0] == trajectories[1]);
}

TEST_CASE("a number of environments that cannot be is refused") {
  CHECK_THROWS_WITH_AS(VectorEnv([] { return make_env({}); }, 0, 1), "num_envs is 0, must be 1 to 16777215",
                       Error);
}

}  // namespace
}  // namespace bellman
