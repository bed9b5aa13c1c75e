// Errors of Q-tables against exact values, by hand in a corridor of three cells, and by definition in bundled gridworlds.
#include "rl/train/value_errors.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include "envs/grid/grid_world.h"
#include "envs/grid/tabular_env.h"

namespace bellman {
namespace {

enum Errors { kQStar, kQPi, kOverQStar, kOverQPi, kRegret };

/// S . G, a reward of 1 at the goal. Actions: up, right, down, left.
GridTask corridor() { return grid_world_task(parse_grid_map("S.G\n", "corridor"), "corridor"); }

TrainConfig half() {
  TrainConfig config;
  config.gamma = 0.5;
  return config;
}

constexpr double kUnplayable = -99;
// V* = 1/2, 1. Q*(0, .) = 1/4, 1/2, 1/4, 1/4; Q*(1, .) = 1/2, 1, 1/2, 1/4.
const std::vector<double> kBest = {0.25, 0.5,  0.25,        0.25,        0.5,         1,
                                   0.5,  0.25, kUnplayable, kUnplayable, kUnplayable, kUnplayable};

TEST_CASE("the best policy's table has no error") {
  const ValueErrors exact(corridor().mdp, half());
  for (const double error : exact.errors(kBest)) CHECK(error == doctest::Approx(0).epsilon(1e-12));
  const std::vector<double> over = exact.overestimation(kBest);
  CHECK(over[0] == doctest::Approx(0).epsilon(1e-12));
  CHECK(over[1] == doctest::Approx(0).epsilon(1e-12));
  CHECK(std::isnan(over[2]));
}

TEST_CASE("a table that promises too much") {
  const ValueErrors exact(corridor().mdp, half());
  std::vector<double> q = kBest;
  for (std::size_t i = 0; i < 8; ++i) q[i] += i < 4 ? 2 : 1;  // the same policy
  const auto errors = exact.errors(q);
  CHECK(errors[kQStar] == doctest::Approx(1.5));
  CHECK(errors[kQPi] == doctest::Approx(1.5));
  CHECK(errors[kOverQStar] == doctest::Approx(1.5));
  CHECK(errors[kOverQPi] == doctest::Approx(1.5));
  CHECK(errors[kRegret] == doctest::Approx(0).epsilon(1e-12));
  CHECK(exact.overestimation(q)[0] == doctest::Approx(2));
  CHECK(exact.overestimation(q)[1] == doctest::Approx(1));
}

TEST_CASE("a table whose greedy policy walks into a wall") {
  const ValueErrors exact(corridor().mdp, half());
  std::vector<double> q = kBest;
  q[0] = 0.75;  // up, for ever: V^pi(0) = 0, V^pi(1) = 1
  // Q^pi(0, .) = 0, 1/2, 0, 0; Q^pi(1, .) = 1/2, 1, 1/2, 0.
  const auto errors = exact.errors(q);
  CHECK(errors[kQStar] == doctest::Approx(0.5 / 8));
  CHECK(errors[kQPi] == doctest::Approx((0.75 + 0.25 + 0.25 + 0.25) / 8));
  CHECK(errors[kOverQStar] == doctest::Approx(0.25 / 2));
  CHECK(errors[kOverQPi] == doctest::Approx(0.75 / 2));
  CHECK(errors[kRegret] == doctest::Approx(0.5 / 2));
}

TEST_CASE("rewards are those that are learnt from: scaled, then clipped") {
  TrainConfig config = half();
  config.reward_scale = 10;
  std::vector<double> q = kBest;
  for (double& value : q) value *= 10;
  for (const double error : ValueErrors(corridor().mdp, config).errors(q))
    CHECK(error == doctest::Approx(0).epsilon(1e-12));
  config.reward_clip = 1;
  for (const double error : ValueErrors(corridor().mdp, config).errors(kBest))
    CHECK(error == doctest::Approx(0).epsilon(1e-12));
}

TEST_CASE("without discount a policy that never ends still has a value where it gains nothing") {
  TrainConfig config;
  config.gamma = 1;
  const ValueErrors exact(corridor().mdp, config);
  std::vector<double> q(12, 0.0);  // up everywhere
  const auto errors = exact.errors(q);
  CHECK(errors[kOverQStar] == -1);
  CHECK(errors[kRegret] == 1);
  // Where each step costs, it has none: NaN, and no exception.
  const GridTask costly = grid_world_task(parse_grid_map("step_cost: 0.1\nS.G\n", "costly"), "costly");
  const auto unknown = ValueErrors(costly.mdp, config).errors(q);
  CHECK(std::isnan(unknown[kQPi]));
  CHECK(std::isnan(unknown[kRegret]));
  CHECK(std::isfinite(unknown[kQStar]));
}

/// V^pi by 10 000 sweeps of its Bellman equation.
std::vector<double> swept_values(const TabularMdp& mdp, const Policy& policy, double gamma) {
  std::vector<double> v(static_cast<std::size_t>(mdp.num_states()), 0.0);
  for (int sweep = 0; sweep < 10'000; ++sweep)
    for (std::int32_t s = 0; s < mdp.num_states(); ++s)
      if (mdp.playable(s))
        v[static_cast<std::size_t>(s)] = action_value(mdp, v, gamma, s, policy[static_cast<std::size_t>(s)]);
  return v;
}

TEST_CASE("on a slippery lake the policy's exact values are those of sweeping") {
  EnvOptions options;
  options.id = "FrozenLake-v1";
  const std::unique_ptr<Env> env = make_env(options);
  const TabularMdp& mdp = as_tabular(*env)->task().mdp;
  TrainConfig config;
  config.gamma = 0.9;
  std::vector<double> q;
  for (int i = 0; i < 64; ++i) q.push_back(((i * 37 + 11) % 101) / 100.0);
  const Policy policy = greedy_policy(mdp, q);
  const std::vector<double> v = swept_values(mdp, policy, 0.9), best = value_iteration(mdp, 0.9).v;
  double q_pi = 0, over = 0, regret = 0;
  int states = 0;
  for (std::int32_t s = 0; s < 16; ++s) {
    if (!mdp.playable(s)) continue;
    ++states;
    const auto at = static_cast<std::size_t>(s);
    for (std::int32_t a = 0; a < 4; ++a)
      q_pi += std::abs(q[at * 4 + static_cast<std::size_t>(a)] - action_value(mdp, v, 0.9, s, a)) / 4;
    over += q[at * 4 + static_cast<std::size_t>(policy[at])] - v[at];
    regret += best[at] - v[at];
  }
  const auto errors = ValueErrors(mdp, config).errors(q);
  CHECK(states == 11);
  CHECK(errors[kQPi] == doctest::Approx(q_pi / states).epsilon(1e-9));
  CHECK(errors[kOverQPi] == doctest::Approx(over / states).epsilon(1e-9));
  CHECK(errors[kRegret] == doctest::Approx(regret / states).epsilon(1e-9));
}

}  // namespace
}  // namespace bellman
