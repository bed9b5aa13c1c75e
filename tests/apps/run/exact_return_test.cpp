// The exact value of a gridworld's policy, against episodes that are played.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <span>
#include <string>

#include <doctest/doctest.h>

#include "apps/run/policy_value.h"
#include "envs/grid/tabular_env.h"
#include "rl/train/evaluator.h"
#include "tests/apps/text_file.h"
#include "tests/support/temporary_directory.h"

namespace bellman::test {
namespace {

TEST_CASE("the exact return of a policy is what many episodes average to") {
  EnvOptions options;
  options.id = "FrozenLake-v1";
  const std::unique_ptr<Env> env = make_env(options);
  const TabularEnv& lake = *as_tabular(*env);
  // Down or right by the number of the cell: a poor policy, and no constant one.
  const QFunction q = [](std::span<float> out, std::span<const float> one_hot, Index n) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
      for (std::size_t cell = 0; cell < 16; ++cell)
        for (std::size_t a = 0; a < 4; ++a)
          if (one_hot[16 * i + cell] == 1) out[4 * i + a] = a == 1 + cell % 2 ? 1.0F : 0.0F;
  };
  const Policy policy = greedy_policy(lake, q);
  for (std::int32_t s = 0; s < 16; ++s)
    if (lake.task().mdp.playable(s)) CHECK(policy[static_cast<std::size_t>(s)] == 1 + s % 2);

  const ExactReturn exact = *exact_return(lake, policy);
  const EvalResult played = Evaluator(options, 4000, 11, OnNan::kStop).evaluate(q, 4000);
  CHECK(exact.horizon == 100);
  CHECK(exact.policy > 0);
  CHECK(exact.policy < exact.optimal);
  // A return of 0 or 1: five standard errors of the mean of 4 000 episodes.
  CHECK(std::abs(played.mean - exact.policy) < 5 * played.std / std::sqrt(4000.0));
}

TEST_CASE("a Q-table has a row of each cell, NaN where the episode is over, at any batch size") {
  EnvOptions options;
  options.id = "FrozenLake-v1";
  const std::unique_ptr<Env> env = make_env(options);
  const TabularEnv& lake = *as_tabular(*env);
  Index largest = 0;
  const QFunction q = [&](std::span<float> out, std::span<const float> one_hot, Index n) {
    largest = std::max(largest, n);
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
      for (std::size_t cell = 0; cell < 16; ++cell)
        for (std::size_t a = 0; a < 4; ++a)
          if (one_hot[16 * i + cell] == 1) out[4 * i + a] = static_cast<float>(10 * cell + a);
  };
  for (const Index most : {Index{1}, Index{3}, Index{256}}) {
    largest = 0;
    const std::vector<double> table = q_table(lake, q, most);
    CHECK(largest == std::min<Index>(most, 11));  // 16 cells, less four holes and the goal
    REQUIRE(table.size() == 64);
    for (std::size_t i = 0; i < table.size(); ++i) {
      if (lake.task().mdp.playable(static_cast<std::int32_t>(i / 4)))
        CHECK(table[i] == static_cast<double>(10 * (i / 4) + i % 4));
      else
        CHECK(std::isnan(table[i]));
    }
  }
}

TEST_CASE("a network is asked about many cells at a time, and a signal ends the calculation") {
  EnvOptions options;
  options.id = "FrozenLake-v1";
  options.map = "8x8";
  const std::unique_ptr<Env> env = make_env(options);
  std::atomic<bool> stop = false;
  int calls = 0;
  Index cells = 0;
  const QFunction q = [&](std::span<float> out, std::span<const float>, Index n) {
    std::ranges::fill(out, 0.0F);
    ++calls;
    cells += n;
  };
  CHECK(policy_value(*env, q, 0.9, stop).has_value());
  CHECK(calls == 1);
  CHECK(cells == 53);  // without ten holes and the goal

  const QFunction stops = [&](std::span<float> out, std::span<const float> observations, Index n) {
    q(out, observations, n);
    stop = true;
  };
  CHECK_FALSE(policy_value(*env, stops, 0.9, stop).has_value());
  calls = 0;
  CHECK_FALSE(policy_value(*env, q, 0.9, stop).has_value());
  CHECK(calls == 0);
  CHECK_FALSE(exact_return(*as_tabular(*env), Policy(64, 0), &stop).has_value());
}

TEST_CASE("a grid too large to be calculated in seconds has no exact return") {
  const TemporaryDirectory folder;
  std::string rows = "S" + std::string(255, '.') + "\n";
  for (int i = 0; i < 254; ++i) rows += std::string(256, '.') + "\n";
  EnvOptions options;
  options.id = "GridWorld-v0";
  options.observation = "coordinates";
  options.map = written(folder / "large.txt", rows + std::string(255, '.') + "G\n");
  const std::unique_ptr<Env> env = make_env(options);
  const Policy policy(256 * 256, 0);
  CHECK_FALSE(exact_return(*as_tabular(*env), policy).has_value());
}

}  // namespace
}  // namespace bellman::test
