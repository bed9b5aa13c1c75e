// Powers against the C library's, alone and many at a time, and their bits against recorded ones.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/numeric.h"
#include "core/base/rng.h"

namespace bellman {
namespace {

struct Power {
  double x, a;
};

/// Bases of all sizes, most of them near 1; exponents in [0, 1].
std::vector<Power> cases() {
  RandomSequence random(RandomStream{11, Purpose::kTest, 0}, 0);
  std::vector<Power> all;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint32_t sizes = i % 4 == 0 ? 1980 : 6;
    const int size = static_cast<int>(uniform_index(random.word(), sizes)) - static_cast<int>(sizes) / 2;
    const double x = std::ldexp(random.uniform(1, 2), size);
    all.push_back({x, static_cast<double>(random.uniform(0, 1))});
  }
  return all;
}

TEST_CASE("powers are right within the stated error") {
  for (const Power& p : cases()) {
    const double expected = std::pow(p.x, p.a);
    const double bound = (std::abs(std::log(expected)) + 1) * 0x1p-51;
    REQUIRE(std::abs(deterministic_pow(p.x, p.a) / expected - 1) <= bound);
  }
}

TEST_CASE("powers of 1, and to 0, are exactly 1") {
  for (const Power& p : cases()) {
    REQUIRE(deterministic_pow(1, p.a) == 1);
    REQUIRE(deterministic_pow(p.x, 0) == 1);
  }
}

TEST_CASE("what is not finite stays what it is") {
  const double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> numbers(9, std::numeric_limits<double>::quiet_NaN());
  numbers[1] = numbers[8] = infinity;
  deterministic_pow_all(numbers, 0.5);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    CHECK((i == 1 || i == 8 ? numbers[i] == infinity : std::isnan(numbers[i])));
}

TEST_CASE("many powers have the bits of each, and those that every machine has") {
  std::uint64_t hash = 0;
  std::vector<double> numbers;
  for (const Power& p : cases()) {
    numbers.push_back(p.x);
    hash = hash * 6364136223846793005U + std::bit_cast<std::uint64_t>(deterministic_pow(p.x, p.a));
  }
  CHECK(hash == 3059479966711218956U);
  std::vector<double> together = numbers;
  deterministic_pow_all(together, 0.6);
  for (std::size_t i = 0; i < numbers.size(); ++i) REQUIRE(together[i] == deterministic_pow(numbers[i], 0.6));
}

}  // namespace
}  // namespace bellman
