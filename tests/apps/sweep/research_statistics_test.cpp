// Each statistic beside rliable's value for the same numbers (scripts/golden/rliable_scores.py), intervals with
// the resamples that rliable drew.
#include "apps/sweep/research_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/golden.h"

namespace bellman::test {
namespace {

using Numbers = std::vector<double>;

constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();

/// Within 1e-12 of its magnitude, or of 1 where it is smaller.
void check_near(double actual, double expected) {
  CAPTURE(actual);
  CAPTURE(expected);
  CHECK(std::abs(actual - expected) <= 1e-12 * std::max(1.0, std::abs(expected)));
}

Numbers numbers_at(const Golden& golden, const std::string& path) {
  const auto& data = golden[path].values();
  return {data.begin(), data.end()};
}

/// The resamples at `path`, (resamples,n).
Draw recorded_draw(const Golden& golden, const std::string& path) {
  const auto places = golden.integers(path);
  return [places](std::size_t i, std::span<std::uint32_t> to) {
    for (std::size_t k = 0; k < to.size(); ++k) to[k] = static_cast<std::uint32_t>(places[i * to.size() + k]);
  };
}

std::size_t resamples_at(const Golden& golden, const std::string& path) {
  return static_cast<std::size_t>(golden[path].shape()[0]);
}

void check_interval(const Interval& actual, const Golden& golden, const std::string& path) {
  const Numbers bounds = numbers_at(golden, path);
  check_near(actual.low, bounds.at(0));
  check_near(actual.high, bounds.at(1));
}

TEST_CASE("rliable: the interquartile mean, the mean paired difference, and their intervals") {
  const Golden golden("golden_rliable");
  int paired = 0;
  for (const std::string& name : golden.keys("scores")) {
    CAPTURE(name);
    const std::string at = "scores." + name + ".";
    const Numbers x = numbers_at(golden, at + "x"), y = numbers_at(golden, at + "y");
    const std::size_t resamples = resamples_at(golden, at + "iqm_places");
    check_near(interquartile_mean(x), golden.number(at + "iqm"));
    check_interval(
        bootstrap_interval(x, interquartile_mean, resamples, recorded_draw(golden, at + "iqm_places")),
        golden, at + "iqm_interval");
    if (x.size() != y.size()) continue;
    const Numbers differences = paired_differences(x, y);
    check_near(mean(differences), golden.number(at + "paired.mean"));
    check_interval(
        bootstrap_interval(differences, mean, resamples, recorded_draw(golden, at + "paired.places")), golden,
        at + "paired.interval");
    ++paired;
  }
  CHECK(paired == 4);
}

TEST_CASE("rliable: the probability of improvement and its interval") {
  const Golden golden("golden_rliable");
  for (const std::string& name : golden.keys("scores")) {
    CAPTURE(name);
    const std::string at = "scores." + name + ".";
    const Numbers x = numbers_at(golden, at + "x"), y = numbers_at(golden, at + "y");
    const double forward = probability_of_improvement(x, y);
    check_near(forward, golden.number(at + "improvement.value"));
    check_near(probability_of_improvement(y, x), 1 - forward);
    check_interval(improvement_interval(x, y, resamples_at(golden, at + "improvement.places_x"),
                                        recorded_draw(golden, at + "improvement.places_x"),
                                        recorded_draw(golden, at + "improvement.places_y")),
                   golden, at + "improvement.interval");
  }
}

TEST_CASE("rliable: the performance profile and its intervals") {
  const Golden golden("golden_rliable");
  for (const std::string& name : golden.keys("scores")) {
    CAPTURE(name);
    const std::string at = "scores." + name + ".";
    const Numbers x = numbers_at(golden, at + "x"), taus = numbers_at(golden, at + "profile.taus");
    const Numbers shares = numbers_at(golden, at + "profile.shares"),
                  bounds = numbers_at(golden, at + "profile.interval");  // (2,T)
    const std::vector<ProfilePoint> profile = performance_profile(
        x, taus, resamples_at(golden, at + "profile.places"), recorded_draw(golden, at + "profile.places"));
    REQUIRE(profile.size() == taus.size());
    for (std::size_t k = 0; k < taus.size(); ++k) {
      CHECK(profile[k].tau == taus[k]);
      check_near(profile[k].share, shares[k]);
      check_near(profile[k].interval.low, bounds[k]);
      check_near(profile[k].interval.high, bounds[taus.size() + k]);
    }
  }
}

TEST_CASE("NumPy: the area under a learning curve") {
  const Golden golden("golden_rliable");
  for (const std::string& name : golden.keys("areas")) {
    CAPTURE(name);
    const std::string at = "areas." + name + ".";
    const Numbers timesteps = numbers_at(golden, at + "timesteps"),
                  returns = numbers_at(golden, at + "returns");
    std::vector<EvaluationPoint> curve;
    for (std::size_t i = 0; i < returns.size(); ++i)
      curve.push_back({static_cast<Index>(timesteps[i]), returns[i]});
    check_near(area_under_curve(curve, static_cast<Index>(golden.number(at + "end"))),
               golden.number(at + "value"));
  }
}

TEST_CASE("the area under a curve at its edges") {
  CHECK(std::isnan(area_under_curve({}, 100)));
  CHECK(area_under_curve(std::vector<EvaluationPoint>{{100, 7}}, 100) == 7);
  CHECK(area_under_curve(std::vector<EvaluationPoint>{{0, 0}, {100, 10}}, 100) == 5);
  // A last round of several environments may pass the end.
  CHECK(area_under_curve(std::vector<EvaluationPoint>{{0, 0}, {104, 10}}, 100) == 5);
}

TEST_CASE("a pair lacks a difference where either run has no score") {
  CHECK(paired_differences(Numbers{1, kAbsent, 3, 4}, Numbers{0.5, 1, kAbsent, 6}) == Numbers{0.5, -2});
  CHECK(paired_differences({}, {}).empty());
  CHECK(std::isnan(probability_of_improvement({}, Numbers{1})));
  CHECK(std::isnan(improvement_interval({}, Numbers{1}, 10, seeded_draw(1), seeded_draw(1, 1)).low));
  CHECK(performance_profile({}, Numbers{1}, 10, seeded_draw(1)).empty());
}

// What the seed fixes for both cancels: the interval of the differences is narrow, that of each mean is not.
TEST_CASE("an interval of paired differences is narrow where the seeds explain the spread") {
  Numbers x, y;
  for (int s = 0; s < 20; ++s) {
    y.push_back(10.0 * s);
    x.push_back(y.back() + 1 + 0.01 * (s % 3));
  }
  const Interval paired = bootstrap_interval(paired_differences(x, y), mean, 1000, seeded_draw(1));
  CHECK(paired.low > 1);
  CHECK(paired.high < 1.02);
  const Interval alone = bootstrap_interval(x, mean, 1000, seeded_draw(1));
  CHECK(alone.high - alone.low > 30);
}

TEST_CASE("thresholds of a profile begin below every score and end at the largest") {
  const Numbers taus = profile_thresholds(Numbers{5, -5, 0}, 5);
  CHECK(taus == Numbers{-5.5, -2.875, -0.25, 2.375, 5});
  const std::vector<ProfilePoint> profile = performance_profile(Numbers{5, -5, 0}, taus, 10, seeded_draw(1));
  CHECK(profile.front().share == 1);
  CHECK(profile.back().share == 0);
  CHECK(profile_thresholds(Numbers{500, 500}, 2) == Numbers{475, 500});
  CHECK(profile_thresholds({}, 5).empty());
}

}  // namespace
}  // namespace bellman::test
