// Chapter 10 beside closed formulas of the largest of normal variables, and its learners where the answer is known.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <doctest/doctest.h>

#include "apps/course/best_of_estimates.h"
#include "apps/course/course_maps.h"
#include "apps/course/double_q.h"
#include "envs/grid/value_iteration.h"
#include "tests/apps/course/course_run.h"

namespace bellman::test {
namespace {

TEST_CASE("the largest of equal normal estimates: the closed formulas for two and three") {
  const double root_pi = std::sqrt(std::numbers::pi);
  for (const double noise : {0.1, 1.0, 7.0}) {
    CHECK(std::abs(best_of_estimates(std::vector{3.0}, noise).largest - 3) <= 1e-9);
    CHECK(std::abs(best_of_estimates(std::vector{0.0, 0.0}, noise).largest - noise / root_pi) <=
          1e-9 * noise);
    CHECK(std::abs(best_of_estimates(std::vector{0.0, 0.0, 0.0}, noise).largest - 1.5 * noise / root_pi) <=
          1e-9 * noise);
  }
}

TEST_CASE("the largest of two unequal normal estimates, and what the choice is worth: Clark 1961") {
  for (const double gap : {0.5, 2.0, 10.0})
    for (const double noise : {0.5, 2.0}) {
      const double theta = noise * std::numbers::sqrt2, z = gap / theta;
      const double right = std::erfc(-z / std::numbers::sqrt2) / 2;  // the better one is chosen
      const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
      const BestOfEstimates best = best_of_estimates(std::vector{-1.0, gap - 1}, noise);
      CHECK(std::abs(best.chosen - (gap * right - 1)) <= 1e-9);
      CHECK(std::abs(best.largest - (gap * right - 1 + theta * density)) <= 1e-9);
    }
}

TEST_CASE("chapter 10: the mean of the engine's targets is what the formula says") {
  for (const std::string_view spread : {"spread=0", "spread=2"})
    for (const std::string_view correlation : {"correlation=0", "correlation=0.5", "correlation=1"}) {
      const Experiment experiment = course_run("10", {spread, correlation, "seeds=2", "steps=50"});
      for (const std::string_view name : {"maximum_bias", "double_bias", "double_dqn_bias"}) {
        const std::vector<double> both = finding(experiment, name).numbers;
        CAPTURE(name);
        CHECK(std::abs(both.at(0) - both.at(1)) <= 5 * 1.2 / std::sqrt(20'000));  // five standard errors
      }
    }
}

TEST_CASE("chapter 10: a double estimator is never too large, and Double DQN lies between the two") {
  const Experiment experiment = course_run("10", {"spread=3", "seeds=2", "steps=50"});
  const double maximum = number(experiment, "maximum_bias"), doubled = number(experiment, "double_bias");
  CHECK(maximum > 0);
  CHECK(doubled < 0);
  CHECK(std::abs(number(experiment, "double_dqn_bias") - (maximum + doubled) / 2) <= 1e-9);
}

TEST_CASE("the noisy grid has the plain grid's values") {
  const GridTask plain = noisy_task(0), noisy = noisy_task(11);
  const TabularValues exact = value_iteration(plain.mdp, 0.95), with_noise = value_iteration(noisy.mdp, 0.95);
  for (std::size_t i = 0; i < exact.q.size(); ++i) CHECK(std::abs(exact.q[i] - with_noise.q[i]) <= 1e-9);
  // Four steps: three of -1, then +5.
  CHECK(std::abs(start_value(plain.mdp, exact.v) - (-1 - 0.95 - 0.9025 + 5 * 0.857375)) <= 1e-9);
  const auto outcomes = noisy.mdp.outcomes(noisy.mdp.starts().front().state, 0);
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].reward == -12);
  CHECK(outcomes[1].reward == 10);
}

/// One state with `actions` actions. Each ends the episode, with -1 or +1.
TabularMdp coins(std::int32_t actions) {
  TabularMdp mdp(2, actions);
  for (std::int32_t s = 0; s < 2; ++s)
    for (std::int32_t a = 0; a < actions; ++a) {
      mdp.add(s, a, {0.5, -1, 1, true});
      mdp.add(s, a, {0.5, 1, 1, true});
    }
  mdp.exclude(1);
  mdp.add_start(0, 1);
  mdp.finish();
  return mdp;
}

TEST_CASE("a table holds the mean of its rewards where the step size is 1 / n") {
  const TabularMdp mdp = coins(1);
  const TabularRun run = learn_tabular(mdp, {false, 0.9, 1, 101, 5});
  CHECK(run.start_values.size() == 50);
  CHECK(run.steps.back() == 101);
  const double sum = run.q.at(0) * 101;  // of 101 rewards of -1 and +1
  CHECK(std::abs(sum - std::round(sum)) <= 1e-9);
  CHECK(std::abs(std::remainder(std::round(sum) - 1, 2)) <= 1e-9);
  CHECK(run.q.at(1) == 0);
}

TEST_CASE("without noise both learners find the values of the grid") {
  const GridTask task = noisy_task(0);
  const TabularValues exact = value_iteration(task.mdp, 0.95);
  for (const bool two : {false, true}) {
    const TabularRun run = learn_tabular(task.mdp, {two, 0.95, 0.6, 200'000, 1});
    const auto start = static_cast<std::size_t>(task.mdp.starts().front().state);
    CHECK(std::abs(*std::max_element(run.q.begin() + 4 * start, run.q.begin() + 4 * start + 4) -
                   exact.v[start]) <= 0.05);
    CHECK(start_value(task.mdp, evaluate_policy(task.mdp, greedy_policy(task.mdp, run.q), 0.95).v) ==
          doctest::Approx(start_value(task.mdp, exact.v)));
  }
}

TEST_CASE("chapter 10: on the noisy grid one table ends above the truth and two below, at 95 %") {
  const Experiment experiment = course_run("10");
  const std::vector<double> single = finding(experiment, "q_learning_error").numbers,
                            doubled = finding(experiment, "double_q_error").numbers;
  CHECK(single.at(1) > 0);
  CHECK(doubled.at(2) < 0);
  CHECK(number(experiment, "double_q_policy") > number(experiment, "q_learning_policy") + 5);
  CHECK(number(experiment, "start_value") ==
        doctest::Approx(number(course_run("10", {"reward_noise=0"}), "start_value")));
  CHECK(number(course_run("10", {"reward_noise=0"}), "q_learning_error") < 0.1);
}

TEST_CASE("chapter 10 ends early with what it has") {
  const Experiment experiment = course_run("10", {}, true);
  CHECK(number(experiment, "maximum_bias") > 1);
  CHECK(experiment.findings.size() == 3);
}

}  // namespace
}  // namespace bellman::test
