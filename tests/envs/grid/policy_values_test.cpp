// The values of given policies, and forecasts of their episodes.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "envs/env.h"
#include "envs/grid/value_iteration.h"
#include "tests/envs/grid/grid_tasks.h"
#include "tests/support/compare.h"
#include "tests/support/error_message.h"
#include "tests/support/golden.h"

namespace bellman::test {
namespace {

TEST_CASE("a policy that walks in circles is worth -1/(1 - gamma), to the last digits") {
  const GridTask task = cliff_walking_task();
  for (const double gamma : {0.99, 0.9999, 0.9999999}) {
    const TabularValues values = evaluate_policy(task.mdp, constant_policy(task, 3), gamma);
    const double expected = -1 / (1 - gamma);
    for (std::int32_t s = 0; s < task.mdp.num_states(); ++s)
      if (task.mdp.playable(s))
        REQUIRE(std::abs(values.v[static_cast<std::size_t>(s)] / expected - 1) <= 1e-9);
  }
}

TEST_CASE("a policy's values and episodes are those of linear algebra") {
  const Golden golden("golden_values");
  for (const std::string& name : golden.keys("cases")) {
    CAPTURE(name);
    const std::string path = "cases." + name;
    const GridTask task = golden_task(name);
    const double gamma = golden.number(path + ".gamma");
    const auto horizon = static_cast<Index>(golden.number(path + ".horizon"));
    const Policy policy = golden.integers(path + ".policy").values();
    check_values(evaluate_policy(task.mdp, policy, gamma).v, golden[path + ".policy_v"].values(), gamma);

    const EpisodeForecast forecast = forecast_episode(task.mdp, policy, horizon);
    const auto close = [](double actual, double expected) {
      return std::abs(actual - expected) <= 1e-12 * std::max(1.0, std::abs(expected));
    };
    CHECK(close(forecast.expected_return, golden.number(path + ".policy_return")));
    CHECK(close(forecast.expected_length, golden.number(path + ".policy_length")));
    CHECK(close(forecast.truncated, golden.number(path + ".policy_truncated")));
    check_close<double, double>(forecast.ending_in, golden[path + ".policy_ending_in"].values(), 1e-12);
    CHECK(close(optimal_return(task.mdp, horizon), golden.number(path + ".optimal_return")));
  }
}

TEST_CASE("a policy that never ends has discounted values, and no undiscounted ones") {
  const GridTask task = cliff_walking_task();
  const Policy left = constant_policy(task, 3);
  const TabularValues values = evaluate_policy(task.mdp, left, 0.99);
  for (std::int32_t s = 0; s < task.mdp.num_states(); ++s)
    if (task.mdp.playable(s)) CHECK(std::abs(values.v[static_cast<std::size_t>(s)] + 100) <= 1e-8);
  CHECK(error_message([&] { evaluate_policy(task.mdp, left, 1.0); }) ==
        "with gamma 1, state 0 has no finite value: rewards follow without an end");

  const EpisodeForecast forecast = forecast_episode(task.mdp, left, 250);
  CHECK(forecast.expected_return == -250);
  CHECK(forecast.expected_length == 250);
  CHECK(forecast.truncated == 1);
}

TEST_CASE("an episode that ends on its last step is not counted as truncated") {
  const GridTask task = lake("4x4", {.slippery = false});
  const Policy policy = greedy_policy(task.mdp, value_iteration(task.mdp, 0.9).q);
  const EpisodeForecast exact = forecast_episode(task.mdp, policy, 6);
  CHECK(exact.expected_return == 1);
  CHECK(exact.expected_length == 6);
  CHECK(exact.ending_in[15] == 1);
  CHECK(exact.truncated == 0);
  const EpisodeForecast cut = forecast_episode(task.mdp, policy, 5);
  CHECK(cut.expected_return == 0);
  CHECK(cut.expected_length == 5);
  CHECK(cut.truncated == 1);
  CHECK(optimal_return(task.mdp, 6) == 1);
  CHECK(optimal_return(task.mdp, 5) == 0);
}

TEST_CASE("a forecast agrees with played episodes") {
  EnvOptions options;
  options.id = "FrozenLake-v1";
  const auto env = make_env(options);
  env->seed({3, Purpose::kTest, 0});
  const GridTask task = lake("4x4");
  const Policy policy = greedy_policy(task.mdp, value_iteration(task.mdp, 0.99).q);
  const EpisodeForecast forecast = forecast_episode(task.mdp, policy, env->spec().max_episode_steps);
  constexpr int kEpisodes = 5000;
  double mean_return = 0, mean_length = 0, cut = 0;
  for (int episode = 0; episode < kEpisodes; ++episode) {
    env->reset();
    for (StepResult result; !result.terminated && !result.truncated;) {
      result = env->step(policy[static_cast<std::size_t>(env->state()[0])]);
      mean_return += static_cast<double>(result.reward) / kEpisodes;
      mean_length += 1.0 / kEpisodes;
      cut += result.truncated && !result.terminated ? 1.0 / kEpisodes : 0;
    }
  }
  // Five standard errors; a length lies in [0, 100], so its deviation is at most 50.
  const double p = forecast.expected_return, t = forecast.truncated;
  CHECK(std::abs(mean_return - p) <= 5 * std::sqrt(p * (1 - p) / kEpisodes));
  CHECK(std::abs(cut - t) <= 5 * std::sqrt(t * (1 - t) / kEpisodes));
  CHECK(std::abs(mean_length - forecast.expected_length) <= 5 * 50 / std::sqrt(double(kEpisodes)));
}

TEST_CASE("values of impossible questions are refused") {
  const GridTask task = lake("4x4");
  const Policy policy = constant_policy(task, 0);
  CHECK(error_message([&] { value_iteration(task.mdp, 1.5); }) == "gamma is 1.5, must be from 0 to 1");
  CHECK(error_message([&] { value_iteration(task.mdp, std::nan("")); }) ==
        "gamma is nan, must be from 0 to 1");
  CHECK(error_message([&] { evaluate_policy(task.mdp, Policy(15), 0.9); }) ==
        "a policy of 15 actions for 16 states");
  CHECK(error_message([&] { evaluate_policy(task.mdp, constant_policy(task, 4), 0.9); }) ==
        "a policy takes action 4 in state 0, of 4 actions");
  CHECK(error_message([&] { forecast_episode(task.mdp, policy, 0); }) ==
        "an episode of at most 0 steps cannot be forecast");
  CHECK(error_message([&] { optimal_return(task.mdp, 0); }) == "an episode of at most 0 steps has no return");
  CHECK(error_message([&] { greedy_policy(task.mdp, std::vector<double>(63)); }) ==
        "q has 63 values, must have 16 x 4");
}

TEST_CASE("a flag ends each calculation between two of its steps") {
  const std::atomic<bool> stop = true;
  const GridTask task = lake("4x4");
  CHECK(value_iteration(task.mdp, 0.9, &stop).v == std::vector<double>(16, 0.0));
  CHECK(value_iteration(task.mdp, 0.9, &stop).residual > 0.1);
  CHECK(optimal_return(task.mdp, 100, &stop) == 0);
  CHECK(forecast_episode(task.mdp, Policy(16, 1), 100, &stop).expected_length == 0);
}

}  // namespace
}  // namespace bellman::test
