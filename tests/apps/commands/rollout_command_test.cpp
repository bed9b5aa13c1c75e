// `bellman rollout`: an episode, line by line, as the environment itself gives it.

#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/apps/commands/test_models.h"
#include "tests/apps/refusal.h"
#include "tests/apps/text_file.h"
#include "tests/support/parse_json.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

using Json = nlohmann::json;

std::vector<Json> rolled_out(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "rollout");
  const CommandResult finished = run_bellman(arguments);
  REQUIRE_MESSAGE(finished.exit_code == 0, finished.err);
  CHECK(finished.err.empty());
  std::vector<Json> steps;
  for (const std::string& line : lines_of(finished.out)) steps.push_back(parse_json(line));
  return steps;
}

TEST_CASE("rollout of given actions prints every step, to the last bit") {
  const std::vector<Json> steps =
      rolled_out({"--env-id", "CartPole-v1", "--seed", "3", "--actions", "0,1,1,0"});
  REQUIRE(steps.size() == 5);
  const std::unique_ptr<Env> env = make_env({});
  env->seed({3, Purpose::kEnvironment, 0});
  env->reset();
  const int actions[] = {0, 1, 1, 0};
  std::vector<float> observation(4);
  for (std::size_t t = 0; t < steps.size(); ++t) {
    CHECK(steps[t]["t"] == t);
    if (t == 0) {
      CHECK_FALSE(steps[t].contains("action"));
      CHECK_FALSE(steps[t].contains("reward"));
    } else {
      CHECK(steps[t]["action"] == actions[t - 1]);
      CHECK(steps[t]["reward"] == env->step(actions[t - 1]).reward);
      CHECK(steps[t]["terminated"] == false);
      CHECK(steps[t]["truncated"] == false);
    }
    env->observe(observation);
    REQUIRE(steps[t]["obs"].size() == 4);
    for (std::size_t i = 0; i < 4; ++i)
      CHECK(static_cast<float>(steps[t]["obs"][i].get<double>()) == observation[i]);
  }
}

TEST_CASE("rollout starts from a given state and ends with the episode") {
  // The pole is about to fall to the right: one push to the left and it has fallen.
  const std::vector<Json> steps =
      rolled_out({"--env-id", "CartPole-v1", "--state", "-0.5,0,0.2,2", "--actions", "0,0,0,0,0,0"});
  REQUIRE(steps.size() == 2);
  CHECK(steps[0]["obs"] == Json::array({-0.5, 0, 0.2, 2}));
  CHECK(steps[1]["terminated"] == true);
  CHECK(steps[1]["obs"][2].get<double>() == doctest::Approx(0.24));

  const std::vector<Json> limited = rolled_out(
      {"--env-id", "CartPole-v1", "--max-episode-steps", "2", "--state", "0,0,0,0", "--actions", "0,1,0,1"});
  REQUIRE(limited.size() == 3);
  CHECK(limited[2]["truncated"] == true);
  CHECK(limited[2]["terminated"] == false);
}

TEST_CASE("rollout walks over a frozen lake that is not slippery") {
  const std::vector<Json> steps =
      rolled_out({"--env-id", "FrozenLake-v1", "--no-slippery", "--actions", "1,1,2,1,2,2"});
  REQUIRE(steps.size() == 7);
  const int cells[] = {0, 4, 8, 9, 13, 14, 15};
  for (std::size_t t = 0; t < steps.size(); ++t) {
    Json one_hot = Json::array();
    for (int cell = 0; cell < 16; ++cell) one_hot.push_back(cell == cells[t] ? 1 : 0);
    CHECK(steps[t]["obs"] == one_hot);
  }
  CHECK(steps[6]["reward"] == 1);
  CHECK(steps[6]["terminated"] == true);

  const std::vector<Json> planes = rolled_out({"--env-id", "FrozenLake-v1", "--no-slippery", "--observation",
                                               "planes", "--state", "9", "--actions", ""});
  REQUIRE(planes.size() == 1);
  REQUIRE(planes[0]["obs"].size() == 5);  // planes of 4 rows of 4 cells
  CHECK(planes[0]["obs"][0][2] == Json::array({0, 1, 0, 0}));
}

TEST_CASE("an option with = and no value has an empty one, and does not take the next argument") {
  check_refused({"rollout", "--env-id", "CartPole-v1", "--state=", "--actions", "0"},
                {"--state: \"\" is not a number"});
  CHECK(rolled_out({"--env-id", "CliffWalking-v1", "--actions=", "--steps", "3"}).size() == 1);
  CHECK(rolled_out({"--env-id", "FrozenLake-v1", "--map=", "--no-slippery", "--actions", "0"}).size() == 2);
}

TEST_CASE("rollout follows a model's greedy policy") {
  const TemporaryDirectory folder;
  EnvOptions cliff;
  cliff.id = "CliffWalking-v1";
  const std::string path = saved(optimal_model(cliff, 0.99), folder / "cliff.safetensors");
  const std::vector<Json> steps = rolled_out({"--policy", path});
  REQUIRE(steps.size() == 14);
  CHECK(steps[1]["action"] == 0);
  CHECK(steps[13]["action"] == 2);
  CHECK(steps[13]["terminated"] == true);
  CHECK(rolled_out({"--policy", path, "--steps", "5"}).size() == 6);
  // From the bottom right corner but one row up, the goal is one step down.
  CHECK(rolled_out({"--policy", path, "--state", "35"}).size() == 2);
}

TEST_CASE("a state that leaves what a float holds ends a rollout with a message, after what was printed") {
  for (const char* state : {"0,0,0.1,1e25", "0,0,0,1e30", "0,1e30,0,0", "2.4,-1e30,0.2,1e30"}) {
    CAPTURE(state);
    const CommandResult finished =
        run_bellman({"rollout", "--env-id", "CartPole-v1", "--state", state, "--actions", "1,1,1,1,1,1"});
    CHECK((finished.exit_code == 0 || finished.exit_code == 2));
    CHECK(finished.out.starts_with("{\"t\":0,\"obs\":["));
    CHECK(finished.out.ends_with("}\n"));
    if (finished.exit_code == 2) CHECK(finished.err.find("state exceeds a float") != std::string::npos);
  }
  const CommandResult overflows =
      run_bellman({"rollout", "--env-id", "CartPole-v1", "--state", "0,0,0.1,1e25", "--actions", "1"});
  CHECK(overflows.exit_code == 2);
  CHECK(overflows.err.find("step 1: number ") != std::string::npos);
  for (const char* state : {"1e39,0,0,0", "0,-1e300,0,0"})
    check_refused({"rollout", "--env-id", "CartPole-v1", "--state", state, "--actions", "1"}, {"--state"});
}

TEST_CASE("rollout refuses bad input before it prints anything") {
  const TemporaryDirectory folder;
  const std::string path = saved(balancing_model(), folder / "cartpole.safetensors");
  check_refused({"rollout", "--env-id", "CartPole-v1", "--actions", "0,1,2"}, {"--actions", "2"});
  check_refused({"rollout", "--env-id", "CartPole-v1", "--actions", "0,x"}, {"--actions", "x"});
  check_refused({"rollout", "--env-id", "CartPole-v1"}, {"--actions", "--policy"});
  check_refused({"rollout", "--policy", path, "--actions", "0"}, {"--actions", "--policy"});
  check_refused({"rollout", "--actions", "0"}, {"--env-id"});
  check_refused({"rollout", "--env-id", "CartPole-v1", "--state", "0,0,0", "--actions", "0"}, {"3", "4"});
  check_refused({"rollout", "--env-id", "CartPole-v1", "--state", "0,0,nan,0", "--actions", "0"},
                {"--state", "nan"});
  check_refused({"rollout", "--env-id", "FrozenLake-v1", "--state", "16", "--actions", "0"}, {"16"});
  check_refused({"rollout", "--env-id", "FrozenLake-v1", "--map", "nowhere.txt", "--actions", "0"},
                {"nowhere.txt"});
  check_refused({"rollout", "--env-id", "FrozenLake-v1", "--policy", path},
                {"cartpole.safetensors", "FrozenLake-v1", "(4)", "(16)"});
  check_refused({"rollout", "--env-id", "CartPole-v1", "--observation", "planes", "--actions", "0"},
                {"observation"});
}

}  // namespace
}  // namespace bellman::test
