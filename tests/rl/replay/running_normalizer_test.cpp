#include "rl/replay/running_normalizer.h"

#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "core/base/rng.h"

using namespace bellman;

namespace {

/// n observations of 3 features: around 0, around 10^6 with deviation 1, and constant.
std::vector<float> some_observations(Index n) {
  RandomSequence random({30, Purpose::kTest, 0});
  std::vector<float> x;
  for (Index i = 0; i < n; ++i) {
    x.push_back(static_cast<float>(3 * random.normal()));
    x.push_back(static_cast<float>(1e6 + random.normal()));
    x.push_back(42.0F);
  }
  return x;
}

}  // namespace

TEST_CASE("running mean and variance are those of all that was seen") {
  const std::vector<float> x = some_observations(5000);
  RunningNormalizer normalizer(3);
  normalizer.update(x);
  CHECK(normalizer.count() == 5000);
  for (std::size_t j = 0; j < 3; ++j) {
    // Two passes, in long double.
    long double mean = 0, variance = 0;
    for (std::size_t i = j; i < x.size(); i += 3) mean += x[i];
    mean /= 5000;
    for (std::size_t i = j; i < x.size(); i += 3) variance += (x[i] - mean) * (x[i] - mean) / 5000.0L;
    CHECK(std::abs(normalizer.mean()[j] - static_cast<double>(mean)) <=
          1e-12 * std::abs(static_cast<double>(mean)) + 1e-13);
    CHECK(std::abs(normalizer.variance()[j] - static_cast<double>(variance)) <=
          1e-9 * static_cast<double>(variance));
  }
  CHECK(normalizer.variance()[2] == 0.0);
}

TEST_CASE("one by one and many at once give the same bits") {
  const std::vector<float> x = some_observations(100);
  RunningNormalizer together(3), single(3);
  together.update(x);
  for (std::size_t i = 0; i < x.size(); i += 3) single.update(std::span(x).subspan(i, 3));
  for (std::size_t j = 0; j < 3; ++j) {
    CHECK(together.mean()[j] == single.mean()[j]);
    CHECK(together.variance()[j] == single.variance()[j]);
  }
}

TEST_CASE("normalised observations have mean 0 and variance 1, within +-10") {
  const std::vector<float> x = some_observations(2000);
  RunningNormalizer normalizer(3);
  normalizer.update(x);
  std::vector<float> y(x.size());
  normalizer.apply(y, x);
  for (std::size_t j = 0; j < 2; ++j) {
    double mean = 0, square = 0;
    for (std::size_t i = j; i < y.size(); i += 3) {
      mean += y[i] / 2000.0;
      square += static_cast<double>(y[i]) * y[i] / 2000.0;
    }
    CHECK(std::abs(mean) < 1e-6);
    CHECK(square == doctest::Approx(1).epsilon(1e-6));
  }
  CHECK(y[2] == 0.0F);  // a constant feature carries nothing
  std::vector<float> far = {1e30F, -1e30F, 43.0F};
  normalizer.apply(far, far);  // in place
  CHECK(far == std::vector<float>{10.0F, -10.0F, 10.0F});
}

TEST_CASE("the formula, by hand") {
  RunningNormalizer normalizer(1);
  std::vector<float> out(1);
  normalizer.apply(out, std::vector<float>{3.0F});
  CHECK(out[0] == 3.0F);  // nothing seen: mean 0, variance 1 (+ 1e-8, below a float's resolution)
  normalizer.update(std::vector<float>{1, 3});
  CHECK(normalizer.mean()[0] == 2.0);
  CHECK(normalizer.variance()[0] == 1.0);  // of the population
  normalizer.apply(out, std::vector<float>{4.0F});
  CHECK(out[0] == 2.0F);
}

TEST_CASE("a normaliser whose state is restored continues alike") {
  const std::vector<float> x = some_observations(60);
  RunningNormalizer whole(3), first(3), second(3);
  whole.update(x);
  first.update(std::span(x).first(90));
  second.set_state(first.state());
  second.update(std::span(x).subspan(90));
  CHECK(second.count() == 60);
  for (std::size_t j = 0; j < 3; ++j) {
    CHECK(second.mean()[j] == whole.mean()[j]);
    CHECK(second.variance()[j] == whole.variance()[j]);
  }
}

TEST_CASE("what cannot be normalised is refused and changes nothing") {
  CHECK_THROWS_AS(RunningNormalizer(0), Error);
  RunningNormalizer normalizer(2);
  std::vector<float> two(2), three(3), four(4);
  CHECK_THROWS_AS(normalizer.update(three), Error);
  CHECK_THROWS_AS(normalizer.apply(four, two), Error);
  CHECK_THROWS_AS(normalizer.apply(three, three), Error);
  CHECK_THROWS_WITH_AS(
      normalizer.update(std::vector<float>{1, 2, 3, std::numeric_limits<float>::quiet_NaN()}),
      "element 1 of an observation is nan, must be finite", Error);
  const std::vector<double> ones(2, 1.0), one(1, 1.0), negative(2, -1.0);
  CHECK_THROWS_AS(normalizer.set_state({-1, ones, ones}), Error);
  CHECK_THROWS_AS(normalizer.set_state({1, one, ones}), Error);
  CHECK_THROWS_AS(normalizer.set_state({1, ones, one}), Error);
  CHECK_THROWS_AS(normalizer.set_state({1, ones, negative}), Error);
  CHECK(normalizer.count() == 0);
  CHECK(normalizer.mean()[0] == 0.0);
}
