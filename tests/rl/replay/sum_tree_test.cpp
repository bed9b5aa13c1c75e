#include "rl/replay/sum_tree.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "tests/support/long_tests.h"
#include "tests/support/not_finite.h"

using namespace bellman;

namespace {

/// The index by adding up from the left.
Index scan(const std::vector<double>& weights, double mass) {
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    sum += weights[i];
    if (mass < sum) return static_cast<Index>(i);
  }
  return -1;
}

/// Random weights between 1e-6 and 1e3, by set() and set_many(), `updates` of them. Then: the total is, to
/// the last bit, that of a tree that was filled once.
void check_total_after(std::uint64_t updates, Index capacity) {
  SumTree tree(capacity);
  std::vector<Index> indices(8);
  std::vector<double> weights(8);
  for (std::uint64_t i = 0; i < updates / 8; ++i) {
    for (std::uint32_t j = 0; j < 8; j += 2) {
      const RandomWords words = random_words({3, Purpose::kTest, 0}, i, j);
      for (std::uint32_t k = 0; k < 2; ++k) {
        indices[j + k] = uniform_index(words[2 * k], static_cast<std::uint32_t>(capacity));
        weights[j + k] =
            std::ldexp(1.0 + uniform_float(words[2 * k + 1]), static_cast<int>(words[2 * k + 1] & 31U) - 20);
      }
    }
    if (i % 2 == 0)
      tree.set_many(indices, weights);
    else
      for (std::size_t j = 0; j < 8; ++j) tree.set(indices[j], weights[j]);
  }
  SumTree fresh(capacity);
  fresh.set_state(tree.state());
  CHECK(tree.total() == fresh.total());
  long double sum = 0;
  for (double weight : tree.state()) sum += weight;
  // One rounding a level.
  CHECK(std::abs(tree.total() - static_cast<double>(sum)) <=
        std::log2(capacity) * std::numeric_limits<double>::epsilon() * static_cast<double>(sum));
}

}  // namespace

TEST_CASE("sum-tree finds what adding up from the left finds, for any capacity") {
  for (Index capacity : {1, 2, 3, 5, 8, 31, 32, 33, 100}) {
    CAPTURE(capacity);
    SumTree tree(capacity);
    std::vector<double> weights(static_cast<std::size_t>(capacity), 0.0);
    for (std::uint64_t round = 0; round < 20; ++round) {
      RandomSequence random({5, Purpose::kTest, static_cast<std::uint32_t>(capacity)}, round);
      // Small whole numbers, zeros among them: all sums are exact.
      for (Index i = 0; i < capacity; ++i) {
        weights[static_cast<std::size_t>(i)] = uniform_index(random.word(), 4);
        tree.set(i, weights[static_cast<std::size_t>(i)]);
      }
      weights[0] = 1;
      tree.set(0, 1);
      const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
      REQUIRE(tree.total() == total);
      for (double mass = 0; mass < total; mass += 0.25) REQUIRE(tree.find(mass) == scan(weights, mass));
    }
  }
}

TEST_CASE("sum-tree: parents are recomputed, totals stay exact") { check_total_after(200'000, 1000); }

TEST_CASE("sum-tree: totals are exact after 10^8 updates" * doctest::skip(!test::has_long_tests())) {
  check_total_after(100'000'000, 1000);
}

TEST_CASE("sum-tree is the same whatever order its weights were set in") {
  SumTree forward(37), backward(37), many(37);
  std::vector<Index> indices(37);
  std::vector<double> weights(37);
  RandomSequence random({6, Purpose::kTest, 0});
  for (std::size_t i = 0; i < 37; ++i) {
    indices[i] = static_cast<Index>(i);
    weights[i] = random.uniform(0, 1);
  }
  for (std::size_t i = 0; i < 37; ++i) forward.set(indices[i], weights[i]);
  for (std::size_t i = 37; i-- > 0;) backward.set(indices[i], weights[i]);
  many.set_many(indices, weights);
  CHECK(forward.total() == backward.total());
  CHECK(forward.total() == many.total());
}

TEST_CASE("sum-tree: the draw is clamped below the root") {
  SumTree tree(5);
  tree.set(1, 0.1);
  tree.set(3, 0.2);
  const double total = tree.total();
  for (double mass : {total, std::nextafter(total, 0.0), 2 * total, test::kInfinity})
    CHECK(tree.find(mass) == 3);
  for (double mass : {0.0, -0.0, -1.0, -test::kInfinity}) CHECK(tree.find(mass) == 1);
  CHECK_THROWS_AS(tree.find(test::kNan), Error);
  std::vector<Index> two(2);
  CHECK_THROWS_AS(tree.find_many(two, std::vector<double>{0, test::kNan}), Error);
}

TEST_CASE("sum-tree never returns a leaf of zero priority") {
  // Weights of very different sizes, so that what is left of a mass is often rounded past its subtree.
  for (std::uint64_t round = 0; round < 200; ++round) {
    RandomSequence random({7, Purpose::kTest, 0}, round);
    const Index capacity = 1 + uniform_index(random.word(), 70);
    SumTree tree(capacity);
    for (Index i = 0; i < capacity; ++i)
      if (random.uniform() < 0.4F)
        tree.set(i,
                 std::ldexp(random.uniform(1, 2), static_cast<int>(uniform_index(random.word(), 80)) - 40));
    if (tree.total() == 0) tree.set(capacity - 1, 1e-6);
    std::vector<double> masses;
    std::vector<Index> found;
    for (int draw = 0; draw < 200; ++draw) {
      double mass = random.uniform(0, tree.total());
      if (draw % 4 == 0) {  // at the edge of an interval, and one step beside it
        mass = 0;
        const Index edge = uniform_index(random.word(), static_cast<std::uint32_t>(capacity));
        for (Index i = 0; i <= edge; ++i) mass += tree.get(i);
        mass = draw % 8 == 0 ? mass : std::nextafter(mass, test::kInfinity);
      }
      const Index index = tree.find(mass);
      REQUIRE(index < capacity);
      REQUIRE(tree.get(index) > 0);
      masses.push_back(mass);
      found.push_back(index);
    }
    // Many at once are what one after the other is.
    masses.insert(masses.end(), {-1.0, -test::kInfinity, test::kInfinity, tree.total()});
    for (std::size_t i = found.size(); i < masses.size(); ++i) found.push_back(tree.find(masses[i]));
    std::vector<Index> many(masses.size());
    tree.find_many(many, masses);
    REQUIRE(many == found);
  }
}

TEST_CASE("duplicate indices in one batch have one defined winner") {
  SumTree tree(64);
  // More than one path wide, the duplicates far apart and next to each other.
  std::vector<Index> indices(40);
  std::vector<double> weights(40);
  for (std::size_t i = 0; i < 40; ++i) {
    indices[i] = static_cast<Index>(i % 3 == 0 ? 7 : i);
    weights[i] = static_cast<double>(i + 1);
  }
  tree.set_many(indices, weights);
  CHECK(tree.get(7) == 40);  // the last that names 7 is the 39th
  SumTree one_by_one(64);
  for (std::size_t i = 0; i < 40; ++i) one_by_one.set(indices[i], weights[i]);
  CHECK(tree.total() == one_by_one.total());
  for (Index i = 0; i < 64; ++i) CHECK(tree.get(i) == one_by_one.get(i));
}

TEST_CASE("sum-tree refuses what it cannot hold and stays as it was") {
  CHECK_THROWS_AS(SumTree(0), Error);
  CHECK_THROWS_AS(SumTree(-3), Error);
  CHECK_THROWS_AS(SumTree(Index{1} << 60), Error);
  SumTree tree(3);
  std::vector<Index> one(1);
  CHECK_THROWS_AS(tree.find(0), Error);  // all weights are 0
  CHECK_THROWS_AS(tree.find_many(one, std::vector<double>{0}), Error);
  tree.set(0, 1);
  for (double weight :
       {-1.0, test::kNan, test::kInfinity, 1e300, std::numeric_limits<double>::denorm_min()}) {
    CAPTURE(weight);
    CHECK_THROWS_AS(tree.set(1, weight), Error);
    CHECK_THROWS_AS(tree.set_many(std::vector<Index>{2, 1}, std::vector<double>{5, weight}), Error);
    CHECK_THROWS_AS(tree.set_state(std::vector<double>{5, weight, 5}), Error);
  }
  for (Index index : {-1, 3, 4}) {  // 3 is a leaf of the padding
    CAPTURE(index);
    CHECK_THROWS_AS(tree.set(index, 1), Error);
    CHECK_THROWS_AS(tree.get(index), Error);
    CHECK_THROWS_AS(tree.set_many(std::vector<Index>{2, index}, std::vector<double>{5, 5}), Error);
  }
  CHECK_THROWS_AS(tree.set_many(std::vector<Index>{1, 2}, std::vector<double>{1}), Error);
  CHECK_THROWS_AS(tree.set_state(std::vector<double>{1, 2}), Error);
  std::vector<Index> found(2);
  CHECK_THROWS_AS(tree.find_many(found, std::vector<double>{0.5}), Error);
  CHECK(tree.total() == 1);
  CHECK(tree.get(2) == 0);
}

TEST_CASE("sum-tree of weights as large as they may be does not overflow") {
  SumTree tree(1000);
  for (Index i = 0; i < 1000; ++i) tree.set(i, SumTree::kMaxWeight);
  CHECK(std::isfinite(tree.total()));
  CHECK(tree.find(tree.total() * 0.5005) == 500);
}
