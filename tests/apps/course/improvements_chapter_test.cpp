// Chapter 11 beside the sum-tree itself, a root found by bisection, the dueling head by hand, and all ways of n steps.
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include "apps/course/course_maps.h"
#include "apps/course/n_step_target.h"
#include "apps/course/sum_tree_walk.h"
#include "apps/sweep/sweep_statistics.h"
#include "core/base/rng.h"
#include "envs/grid/value_iteration.h"
#include "rl/replay/sum_tree.h"
#include "tests/apps/course/course_run.h"

namespace bellman::test {
namespace {

TEST_CASE("the shown walk ends where the sum-tree's own search does") {
  RandomSequence random({3, Purpose::kTest, 0});
  for (const std::size_t leaves : {1, 2, 8, 64})
    for (int trial = 0; trial < 200; ++trial) {
      std::vector<double> weights(leaves);
      for (double& weight : weights) weight = random.uniform() < 0.3F ? 0 : random.uniform(0.1, 2);
      weights[0] = 1;
      SumTree tree(static_cast<Index>(leaves));
      tree.set_state(weights);
      CHECK(tree_sums(weights).front().front() == tree.total());
      const TreeWalk walk = walk_tree(weights, random.uniform(0, tree.total()));
      const double mass = walk.decisions.empty() ? 0.5 : walk.decisions.front().mass;
      CHECK(walk.leaf == tree.find(mass));
      CHECK((std::size_t{1} << walk.decisions.size()) == leaves);
      // What is left of the mass at the end lies within the leaf.
      if (walk.decisions.empty()) continue;
      const TreeDecision& last = walk.decisions.back();
      const double rest = last.goes_right ? last.mass - last.left : last.mass;
      CHECK(rest >= 0);
      CHECK(rest < weights[static_cast<std::size_t>(walk.leaf)]);
    }
}

TEST_CASE("chapter 11: draws have the promised frequencies, and those of a batch vary less") {
  for (const std::string_view alpha : {"alpha=0", "alpha=0.6", "alpha=1"}) {
    const Experiment experiment = course_run("11", {alpha});
    const double chi_square = number(experiment, "chi_square");
    CHECK(chi_square > 0);
    CHECK(chi_square < 29.9);  // exceeded once in ten thousand, 7 degrees of freedom
    CHECK(number(experiment, "in_batches") < 2);
  }
  CHECK(number(course_run("11", {"mass=0"}), "slot") == 0);
  CHECK(number(course_run("11", {"mass=0.999999"}), "slot") == 7);
}

/// The q at which sum_i |r_i - q|^alpha (r_i - q) = 0 for one reward of 1 among n, by bisection.
double root(int n, double alpha) {
  double low = 0, high = 1;
  for (int i = 0; i < 100; ++i) {
    const double q = (low + high) / 2;
    const double force = std::pow(1 - q, alpha) * (1 - q) - (n - 1) * std::pow(q, alpha) * q;
    (force > 0 ? low : high) = q;
  }
  return low;
}

TEST_CASE("chapter 11: without weights Q settles where the pull of frequent draws is balanced") {
  struct Case {
    std::string_view rewards, alpha;
    int n;
    double power;
  };
  for (const Case& c : {Case{"rewards=10", "alpha=0.6", 10, 0.6}, Case{"rewards=10", "alpha=1", 10, 1},
                        Case{"rewards=4", "alpha=0.3", 4, 0.3}, Case{"rewards=10", "alpha=0", 10, 0}}) {
    const Experiment experiment = course_run("11", {c.rewards, c.alpha});
    const std::vector<double> without = finding(experiment, "without_weights").numbers,
                              with = finding(experiment, "with_weights").numbers;
    CHECK(std::abs(without.at(0) - root(c.n, c.power)) <= 1e-9);
    CHECK(std::abs(without.at(1) - without.at(0)) <= 0.01);
    CHECK(std::abs(with.at(0) - 1.0 / c.n) <= 1e-9);
    CHECK(std::abs(with.at(1) - with.at(0)) <= 0.01);
    CHECK(number(experiment, "mean_reward") == 1.0 / c.n);
  }
}

TEST_CASE(
    "chapter 11: v is the mean of q, a shift between the streams shows, and one action moves the others") {
  const Experiment experiment = course_run("11");
  const auto is = [&](const char* name, const std::vector<double>& expected) {
    const std::vector<double>& found = finding(experiment, name).numbers;
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(std::abs(found[i] - expected[i]) <= 1e-12);
  };
  is("dueling_q", {2, 0, 4});
  is("shifted_q", {7, 5, 9});
  is("plain_sums", {3, 1, 5});
  is("moved_with_it", {2.0 / 3, 5.0 / 3, 2.0 / 3});
}

/// Every way of n steps with its probability, summed: adds to E[G] and E[G^2].
void enumerate(const TabularMdp& mdp, const EpsilonPlayer& player, std::span<const double> values,
               double gamma, std::int32_t s, Index n, bool first, double probability, double scale,
               double sum, double& mean_g, double& mean_square) {
  if (n == 0) {
    const double g = sum + scale * values[static_cast<std::size_t>(s)];
    mean_g += probability * g, mean_square += probability * g * g;
    return;
  }
  for (std::int32_t a = 0; a < mdp.num_actions(); ++a) {
    const double chosen =
        first ? (a == player.best ? 1 : 0)
              : player.epsilon / mdp.num_actions() + (a == player.best ? 1 - player.epsilon : 0);
    if (chosen == 0) continue;
    for (const Outcome& o : mdp.outcomes(s, a)) {
      const double p = probability * chosen * o.probability, g = sum + scale * o.reward;
      if (o.terminated)
        mean_g += p * g, mean_square += p * g * g;
      else
        enumerate(mdp, player, values, gamma, o.next, n - 1, false, p, scale * gamma, g, mean_g, mean_square);
    }
  }
}

TEST_CASE("moments of n-step targets: all ways of up to four steps on the noisy grid and the cliff") {
  for (const GridTask& task : {noisy_task(2), cliff_task(0.2)}) {
    std::vector<double> values(static_cast<std::size_t>(task.mdp.num_states()));
    std::iota(values.begin(), values.end(), 1.0);
    const EpsilonPlayer player = {1, 0.3};
    const std::vector<TargetMoments> moments = n_step_moments(task.mdp, player, values, 0.9, 4);
    for (Index n = 1; n <= 4; ++n) {
      double mean_g = 0, mean_square = 0;
      enumerate(task.mdp, player, values, 0.9, task.mdp.starts().front().state, n, true, 1, 1, 0, mean_g,
                mean_square);
      const TargetMoments& m = moments[static_cast<std::size_t>(n - 1)];
      CHECK(std::abs(m.mean - mean_g) <= 1e-9);
      CHECK(std::abs(m.variance - (mean_square - mean_g * mean_g)) <= 1e-8);

      constexpr Index kEpisodes = 4000;
      const std::vector<double> drawn = n_step_targets(task.mdp, player, values, 0.9, n, kEpisodes, 7);
      CHECK(std::abs(mean(drawn) - m.mean) <= 5 * std::sqrt(m.variance / kEpisodes) + 1e-5);
      const double spread = standard_deviation(drawn);
      CHECK(std::abs(spread * spread - m.variance) <= 0.2 * m.variance + 1e-6);
    }
  }
}

TEST_CASE("chapter 11: greedy steps and exact values leave no bias, random ones do, longer targets more") {
  const auto biases = [](std::string_view epsilon, std::string_view estimate) {
    return finding(course_run("11", {epsilon, estimate}), "bias").numbers;
  };
  for (const double bias : biases("epsilon=0", "estimate=1")) CHECK(std::abs(bias) <= 1e-9);
  const std::vector<double> exploring = biases("epsilon=0.3", "estimate=1");
  CHECK(std::abs(exploring.front()) <= 1e-9);
  for (std::size_t i = 1; i < exploring.size(); ++i) CHECK(exploring[i] < exploring[i - 1]);
  // All costs are halved in the estimate: too good, and the less so the longer the target.
  const std::vector<double> hopeful = biases("epsilon=0", "estimate=0.5");
  for (std::size_t i = 1; i < hopeful.size(); ++i) CHECK(hopeful[i] < hopeful[i - 1]);
  CHECK(hopeful.back() > 0);
  const std::vector<double> ring = finding(course_run("11", {"n=7"}), "ring").numbers;
  CHECK(std::abs(ring.at(0) - ring.at(1)) <= 5 * 8 / std::sqrt(20'000));
}

TEST_CASE("chapter 11: rewards without noise or slips make targets that do not vary") {
  const Experiment experiment = course_run("11", {"noise=0", "slip=0", "epsilon=0", "estimate=0"});
  for (const double spread : finding(experiment, "spread").numbers) CHECK(spread <= 1e-6);
  const std::vector<double> bias = finding(experiment, "bias").numbers;
  // Nine steps to the goal, each -1, discounted; what the target of n steps leaves out is gamma^n times the rest.
  const std::vector<int> steps = {1, 2, 3, 5};
  for (std::size_t i = 0; i < steps.size(); ++i)
    CHECK(std::abs(bias[i] - std::pow(0.95, steps[i]) * (1 - std::pow(0.95, 9 - steps[i])) / 0.05) <= 1e-9);
  CHECK(std::abs(bias[4]) <= 1e-9);
}

TEST_CASE("chapter 11: what was never wrong is hardly drawn again, and no weight helps") {
  const Experiment experiment = course_run("11", {"start=0", "alpha=1"});
  CHECK(finding(experiment, "with_weights").numbers.at(1) > 0.3);
}

TEST_CASE("chapter 11 ends early with what it has") {
  CHECK(course_run("11", {}, true).findings.size() == 3);
}

}  // namespace
}  // namespace bellman::test
