#include "rl/learn/epsilon_greedy.h"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

namespace bellman {
namespace {

constexpr RandomStream kStream = {7, Purpose::kExploration, 0};

TEST_CASE("epsilon is the share of steps that explore, and their actions are uniform") {
  constexpr int kSteps = 100'000, kActions = 3;
  std::array<int, kActions> counts{};
  for (std::uint64_t step = 0; step < kSteps; ++step)
    if (const auto action = exploratory_action(kStream, step, 0.3, kActions))
      ++counts.at(static_cast<std::size_t>(*action));
  // Each count is binomial with p = 0.1: mean 10 000, standard deviation 95. Five of them.
  for (int count : counts) CHECK(std::abs(count - 10'000) < 475);
}

TEST_CASE("epsilon 0 never explores and epsilon 1 always does") {
  for (std::uint64_t step = 0; step < 1'000; ++step) {
    CHECK(!exploratory_action(kStream, step, 0.0, 2));
    CHECK(exploratory_action(kStream, step, 1.0, 2).has_value());
  }
}

TEST_CASE("whether and how to explore depends on stream and step alone") {
  std::vector<int> first, again, other;
  for (std::uint64_t step = 0; step < 64; ++step) {
    first.push_back(exploratory_action(kStream, step, 0.5, 4).value_or(-1));
    again.push_back(exploratory_action(kStream, step, 0.5, 4).value_or(-1));
    other.push_back(exploratory_action({7, Purpose::kExploration, 1}, step, 0.5, 4).value_or(-1));
  }
  CHECK(first == again);
  CHECK(first != other);
}

TEST_CASE("the greedy action is the first of the best") {
  CHECK(greedy_action(std::vector<float>{1, 3, 2}) == 1);
  CHECK(greedy_action(std::vector<float>{5, 5, 5}) == 0);
  CHECK(greedy_action(std::vector<float>{-2, -1, -1}) == 1);
  CHECK(greedy_action(std::vector<float>{-std::numeric_limits<float>::infinity()}) == 0);
}

}  // namespace
}  // namespace bellman
