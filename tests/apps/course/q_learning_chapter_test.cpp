// Tabular Q-learning where the answer is known without it, and chapter 3.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "apps/course/q_learner.h"
#include "tests/apps/course/course_run.h"

namespace bellman::test {
namespace {

/// One state, one action a reward: episodes of a single step.
TabularMdp one_step(const std::vector<double>& rewards) {
  TabularMdp mdp(2, static_cast<std::int32_t>(rewards.size()));
  for (std::int32_t a = 0; a < mdp.num_actions(); ++a)
    mdp.add(0, a, {1, rewards[static_cast<std::size_t>(a)], 1, true});
  for (std::int32_t a = 0; a < mdp.num_actions(); ++a) mdp.add(1, a, {1, 0, 1, true});
  mdp.exclude(1);
  mdp.add_start(0, 1);
  mdp.finish();
  return mdp;
}

/// One action that pays +1 or -1, each as likely.
TabularMdp coin() {
  TabularMdp mdp(2, 1);
  mdp.add(0, 0, {0.5, 1, 1, true});
  mdp.add(0, 0, {0.5, -1, 1, true});
  mdp.add(1, 0, {1, 0, 1, true});
  mdp.exclude(1);
  mdp.add_start(0, 1);
  mdp.finish();
  return mdp;
}

TEST_CASE("Q-learning with a constant rate alpha keeps the variance alpha / (2 - alpha) of its target") {
  for (const double alpha : {1.0, 0.5, 0.1}) {
    CAPTURE(alpha);
    const TabularMdp mdp = coin();
    QLearner learner(mdp, {.rate = {alpha, 0}});
    constexpr int kSteps = 200'000;
    double square = 0;
    for (int i = 0; i < kSteps; ++i) {
      learner.step();
      square += learner.q()[0] * learner.q()[0];
    }
    const double variance = alpha / (2 - alpha);
    // Neighbouring values are alike over about 1 / alpha steps: as many independent ones, four standard errors.
    const double bound = 4 * std::sqrt(2 * variance * variance * 2 / (alpha * kSteps));
    CHECK(std::abs(square / kSteps - variance) <= bound + 1e-12);
  }
}

TEST_CASE("Q-learning with the rate 1 / n holds the mean of what it saw; with 1 / n^2 it soon stands still") {
  const TabularMdp mdp = coin();
  QLearner mean(mdp, {.rate = {1, 1}, .start = 7}), frozen(mdp, {.rate = {1, 2}, .start = 7});
  frozen.step();
  const double first = frozen.q()[0];
  for (int i = 1; i < 100; ++i) frozen.step();
  const double early = frozen.q()[0];
  for (int i = 100; i < 10'000; ++i) frozen.step();
  for (int i = 0; i < 10'000; ++i) mean.step();
  CHECK(std::abs(mean.q()[0] - mean.mean_return()) <= 1e-12);
  CHECK(std::abs(mean.q()[0]) <= 4 / std::sqrt(10'000.0));
  CHECK(std::abs(frozen.q()[0] - early) <= 2.0 / 100);  // the sum of 2 / n^2 over the later steps
  // Half of the first target is left for ever, the product of 1 - 1 / n^2; all others together weigh as much.
  CHECK(frozen.q()[0] * first >= -1e-12);
}

TEST_CASE("Q-learning explores as often as epsilon says, and draws among equals") {
  const TabularMdp mdp = one_step({1, 0});
  QLearner learner(mdp, {.epsilon = 0.2, .rate = {1, 0}});
  for (int i = 0; i < 20'000; ++i) learner.step();
  const double other = static_cast<double>(learner.updates()[1]);
  CHECK(std::abs(other - 0.1 * 20'000) <= 4 * std::sqrt(20'000 * 0.1 * 0.9));

  const TabularMdp equal = one_step({0, 0, -1});
  QLearner greedy(equal, {.epsilon = 0, .rate = {1, 0}});
  for (int i = 0; i < 20'000; ++i) greedy.step();
  CHECK(greedy.updates()[2] == 1);
  CHECK(std::abs(static_cast<double>(greedy.updates()[0]) - 10'000) <= 4 * std::sqrt(20'000 * 0.25));
}

TEST_CASE("Q-learning bootstraps from a step that a limit cut, and not from one that ended the task") {
  TabularMdp mdp(1, 2);
  mdp.add(0, 0, {1, 1, 0, false});  // +1 and on
  mdp.add(0, 1, {1, 5, 0, true});   // +5 and the end
  mdp.add_start(0, 1);
  mdp.finish();
  QLearner learner(mdp, {.gamma = 0.9, .epsilon = 1, .rate = {1, 0}, .max_episode_steps = 1});
  for (int i = 0; i < 2'000; ++i) learner.step();
  CHECK(std::abs(learner.q()[0] - 10) <= 1e-9);  // 1 / (1 - gamma)
  CHECK(learner.q()[1] == 5);
}

TEST_CASE("chapter 3: on slippery ground a rate that falls as it should settles, the others do not") {
  const Experiment experiment = course_run("3", {"steps=50000"});
  const double constant = number(experiment, "rate_1"), falling = number(experiment, "rate_n_07");
  CHECK(falling < 0.25 * number(experiment, "first_error"));
  CHECK(constant > 0.8 * number(experiment, "first_error"));
  CHECK(falling < number(experiment, "rate_tenth"));
  CHECK(falling < number(experiment, "rate_n"));
  CHECK(number(experiment, "rate_n") < 0.6 * number(experiment, "rate_n_2"));
  CHECK(number(experiment, "still_moving") <
        0.2 * number(course_run("3", {"steps=50000", "decay=0"}), "still_moving"));
}

TEST_CASE("chapter 3: where nothing is random, the rate 1 finds Q* to the last digit") {
  const Experiment experiment = course_run("3", {"slip=0", "decay=0", "epsilon=1", "steps=50000"});
  CHECK(number(experiment, "error") <= 1e-15);
  // Six steps to the goal, the last of them paid.
  CHECK(std::abs(number(experiment, "best_value") - std::pow(0.95, 5)) <= 1e-12);
  CHECK(std::abs(number(experiment, "greedy_value") - number(experiment, "best_value")) <= 1e-12);
}

TEST_CASE(
    "chapter 3: without random actions the agent keeps the first reward it finds, unless it starts as an "
    "optimist") {
  // a is worth 0.3 after three steps.
  const Experiment greedy = course_run("3", {"slip=0", "epsilon=0", "steps=50000"});
  CHECK(std::abs(number(greedy, "greedy_value") - 0.3 * std::pow(0.95, 2)) <= 1e-12);
  const Experiment optimist = course_run("3", {"slip=0", "epsilon=0", "start=1", "steps=50000"});
  CHECK(std::abs(number(optimist, "greedy_value") - std::pow(0.95, 5)) <= 1e-12);
}

TEST_CASE("chapter 3: seed and steps change what is learnt, and it ends early with what it has") {
  const Experiment experiment = course_run("3", {"steps=1000"});
  CHECK(number(experiment, "error") == number(course_run("3", {"steps=1000"}), "error"));
  CHECK(number(experiment, "error") != number(course_run("3", {"steps=1000", "seed=2"}), "error"));
  CHECK(number(experiment, "error") != number(course_run("3", {"steps=999"}), "error"));
  const Experiment stopped = course_run("3", {}, true);
  CHECK(std::abs(number(stopped, "error") - number(stopped, "first_error")) <= 1e-12);
}

}  // namespace
}  // namespace bellman::test
