// What every environment promises: time limits, seeding, saving and restoring, and errors.
#include "envs/episode_env.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "envs/control/continuous_env.h"
#include "tests/support/counts/allocation_count.h"
#include "tests/support/error_message.h"

namespace bellman::test {
namespace {

std::vector<EnvOptions> every_environment() {
  std::vector<EnvOptions> all;
  for (const EnvEntry& entry : env_entries()) {
    EnvOptions options;
    options.id = entry.id;
    all.push_back(options);
  }
  return all;
}

/// Steps `n` times by actions of a fixed stream, resetting where episodes end: everything that could be seen.
std::vector<double> record(Env& env, int n, std::uint64_t first_action = 0) {
  std::vector<double> seen;
  std::vector<float> observation(static_cast<std::size_t>(env.spec().observation_shape.elements()));
  for (int i = 0; i < n; ++i) {
    const RandomWords words =
        random_words({99, Purpose::kTest, 1}, first_action + static_cast<std::uint64_t>(i));
    const auto actions = static_cast<std::uint32_t>(env.spec().num_actions);
    const StepResult result = env.step(static_cast<int>(uniform_index(words[0], actions)));
    seen.insert(seen.end(),
                {static_cast<double>(result.reward), double(result.terminated), double(result.truncated)});
    if (result.terminated || result.truncated) env.reset();
    env.observe(observation);
    seen.insert(seen.end(), observation.begin(), observation.end());
    const std::vector<double> state = env.state();
    seen.insert(seen.end(), state.begin(), state.end());
  }
  return seen;
}

TEST_CASE("the same seed gives the same bits, another seed or stream others") {
  for (const EnvOptions& options : every_environment()) {
    CAPTURE(options.id);
    const auto trace = [&](const RandomStream& stream) {
      const auto env = make_env(options);
      env->seed(stream);
      env->reset();
      return record(*env, 300);
    };
    const std::vector<double> first = trace({5, Purpose::kEnvironment, 2});
    CHECK(first == trace({5, Purpose::kEnvironment, 2}));
    const bool random = as_continuous(*make_env(options)) || options.id.starts_with("FrozenLake");
    CHECK((first == trace({6, Purpose::kEnvironment, 2})) == !random);
    CHECK((first == trace({5, Purpose::kEnvironment, 3})) == !random);
    CHECK((first == trace({5, Purpose::kEvaluation, 2})) == !random);

    // Seeding again starts from step 0 again, whatever was drawn in between.
    const auto env = make_env(options);
    env->reset();
    record(*env, 50);
    env->seed({5, Purpose::kEnvironment, 2});
    env->reset();
    CHECK(record(*env, 300) == first);
  }
}

TEST_CASE("state and set_state continue to the same bits, from any moment") {
  for (const EnvOptions& options : every_environment()) {
    CAPTURE(options.id);
    const RandomStream stream{8, Purpose::kTest, 0};
    const auto env = make_env(options);
    env->seed(stream);
    env->reset();
    record(*env, 137);
    for (std::uint64_t moment = 0; moment < 20; ++moment) {
      const std::vector<double> saved = env->state();
      const auto other = make_env(options);
      other->seed(stream);
      other->set_state(saved);
      REQUIRE(other->state() == saved);
      REQUIRE(record(*env, 23, 1000 * moment) == record(*other, 23, 1000 * moment));
    }
  }
}

TEST_CASE("an unstarted and a finished episode are saved and restored as such") {
  for (const EnvOptions& options : every_environment()) {
    CAPTURE(options.id);
    const auto env = make_env(options);
    const auto other = make_env(options);
    other->set_state(env->state());
    CHECK(error_message([&] { other->step(0); }) == options.id + ": step before the first reset");

    EnvOptions limited = options;
    limited.max_episode_steps = 3;
    const auto cut = make_env(limited);
    cut->reset();
    cut->step(0);
    cut->step(0);
    CHECK(cut->step(0).truncated);
    const auto restored = make_env(limited);
    restored->set_state(cut->state());
    CHECK(error_message([&] { restored->step(0); }) == options.id + ": step after the end of an episode");
    restored->reset();
    restored->step(0);
  }
}

TEST_CASE("truncation is not termination: the time limit truncates, and 0 means none") {
  for (const EnvOptions& own : every_environment()) {
    CAPTURE(own.id);
    EnvOptions options = own;
    options.max_episode_steps = 2;
    auto env = make_env(options);
    CHECK(env->spec().max_episode_steps == 2);
    env->reset();
    StepResult result = env->step(0);
    CHECK(!result.truncated);
    result = env->step(0);
    CHECK(result.truncated);
    CHECK(!result.terminated);

    options.max_episode_steps = 0;
    CHECK(make_env(options)->spec().max_episode_steps == 0);
  }
  EnvOptions options;
  options.id = "CliffWalking-v1";
  const auto env = make_env(options);
  env->reset();
  for (int i = 0; i < 20'000; ++i) {
    const StepResult result = env->step(3);
    REQUIRE(!result.truncated);
    REQUIRE(!result.terminated);
  }
}

TEST_CASE("truncation is not termination: reaching the goal on the very step that hits the limit is both") {
  EnvOptions options;
  options.id = "FrozenLake-v1";
  options.slippery = false;
  for (const Index limit : {5, 6, 7}) {
    CAPTURE(limit);
    options.max_episode_steps = limit;
    const auto env = make_env(options);
    env->reset();
    StepResult result;
    Index steps = 0;
    for (const int action : {1, 1, 2, 2, 1, 2}) {
      result = env->step(action);
      ++steps;
      if (result.terminated || result.truncated) break;
    }
    CHECK(steps == std::min<Index>(limit, 6));
    CHECK(result.terminated == (limit >= 6));
    CHECK(result.truncated == (limit <= 6));
    CHECK(result.reward == (limit >= 6 ? 1.0F : 0.0F));
  }
}

TEST_CASE("the observation after the last step is the real final one, before any reset") {
  EnvOptions options;
  options.id = "FrozenLake-v1";
  options.slippery = false;
  options.max_episode_steps = 2;
  const auto env = make_env(options);
  env->reset();
  env->step(2);
  CHECK(env->step(2).truncated);
  std::vector<float> observation(16);
  env->observe(observation);
  CHECK(observation[2] == 1);
  CHECK(observation[0] == 0);
}

TEST_CASE("the limit counts from each reset anew") {
  EnvOptions options;
  options.max_episode_steps = 5;
  const auto env = make_env(options);
  for (int episode = 0; episode < 3; ++episode) {
    env->reset();
    for (int t = 1; t <= 5; ++t) CHECK(env->step(t % 2).truncated == (t == 5));
  }
  env->set_physical_state(std::vector<double>(4, 0.0));
  for (int t = 1; t <= 5; ++t) CHECK(env->step(t % 2).truncated == (t == 5));
}

TEST_CASE("an action out of range is an error that leaves the environment as it was") {
  for (const EnvOptions& options : every_environment()) {
    CAPTURE(options.id);
    const auto env = make_env(options);
    env->reset();
    const std::vector<double> before = env->state();
    const int n = env->spec().num_actions;
    CHECK(error_message([&] { env->step(-1); }) ==
          options.id + ": action -1 is not in [0, " + std::to_string(n) + ")");
    CHECK(error_message([&] { env->step(n); }) ==
          options.id + ": action " + std::to_string(n) + " is not in [0, " + std::to_string(n) + ")");
    CHECK(env->state() == before);
    CHECK(static_cast<int>(env->spec().action_names.size()) == n);
  }
}

TEST_CASE("step, observe and reset ask for no memory") {
  for (EnvOptions options : every_environment())
    for (const std::string observation : {"one_hot", "coordinates", "planes"}) {
      if (!has_option(options.id, EnvOption::kObservation) && observation != "one_hot") continue;
      CAPTURE(options.id);
      CAPTURE(observation);
      options.observation = observation;
      const auto env = make_env(options);
      std::vector<float> out(static_cast<std::size_t>(env->spec().observation_shape.elements()));
      env->seed({1, Purpose::kTest, 0});
      const std::size_t before = allocations();
      env->reset();
      for (int i = 0; i < 1000; ++i) {
        const StepResult result = env->step(i / 3 % env->spec().num_actions);
        env->observe(out);
        if (result.terminated || result.truncated) env->reset();
      }
      CHECK(allocations() == before);
    }
}

TEST_CASE("a state that cannot be is refused, and changes nothing") {
  const auto env = make_env({});
  env->reset();
  env->step(0);
  const std::vector<double> good = env->state();
  REQUIRE(good.size() == 7);
  const auto message = [&](std::size_t i, double value) {
    std::vector<double> bad = good;
    bad[i] = value;
    const std::string text = error_message([&] { env->set_state(bad); });
    CHECK(env->state() == good);
    return text;
  };
  CHECK(error_message([&] { env->set_state(std::vector<double>(6)); }) ==
        "CartPole-v1: a state of 6 numbers, must be 7");
  CHECK(message(2, std::nan("")) == "CartPole-v1: theta is nan, must be finite");
  CHECK(message(4, 1.5) == "CartPole-v1: a state's step count is 1.5, must be a whole number from 0 to 2^53");
  CHECK(message(4, -1) == "CartPole-v1: a state's step count is -1, must be a whole number from 0 to 2^53");
  CHECK(message(5, 1e300) ==
        "CartPole-v1: a state's draw count is 1e+300, must be a whole number from 0 to 2^53");
  CHECK(message(5, 0) == "CartPole-v1: a state has made 1 steps with 0 draws, must be one a step");
  CHECK(message(6, 3) == "CartPole-v1: a state's phase is 3, must be 0, 1 or 2");
  CHECK(message(6, 2) == "CartPole-v1: a state's phase is 2, but its episode is not over after 1 steps");
  CHECK(message(0, 2.5) == "CartPole-v1: a state's phase is 1, but its episode is over after 1 steps");
  CHECK(message(4, 500) == "CartPole-v1: a state's phase is 1, but its episode is over after 500 steps");

  EnvOptions lake;
  lake.id = "FrozenLake-v1";
  const auto frozen = make_env(lake);
  const auto start_in = [&](double cell) {
    return error_message([&] { frozen->set_physical_state(std::vector<double>{cell}); });
  };
  CHECK(start_in(16) == "FrozenLake-v1: cell 16 is not a whole number in [0, 16)");
  CHECK(start_in(-1) == "FrozenLake-v1: cell -1 is not a whole number in [0, 16)");
  CHECK(start_in(0.5) == "FrozenLake-v1: cell 0.5 is not a whole number in [0, 16)");
  CHECK(start_in(std::nan("")) == "FrozenLake-v1: cell nan is not a whole number in [0, 16)");
  CHECK(start_in(5) == "FrozenLake-v1: no episode starts in a state that ends it");
  EnvOptions rooms;
  rooms.id = "FourRooms-v0";
  CHECK(error_message([&] { make_env(rooms)->set_physical_state(std::vector<double>{0}); }) ==
        "FourRooms-v0: cell 0 cannot be entered");
}

}  // namespace
}  // namespace bellman::test
