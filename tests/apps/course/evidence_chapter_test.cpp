// Chapter 12 where the answers are known: comparisons of normal returns.
#include <algorithm>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include "apps/course/best_of_estimates.h"
#include "apps/course/seed_draws.h"
#include "apps/sweep/sweep_statistics.h"
#include "core/base/rng.h"
#include "tests/apps/course/course_run.h"

namespace bellman::test {
namespace {

/// 4,000 normal returns, with mean 100 and standard deviation 10 to the last digits.
std::vector<double> normal_pool() {
  RandomSequence random({11, Purpose::kTest, 0});
  std::vector<double> pool(4000);
  for (double& value : pool) value = random.normal();
  const double center = mean(pool), deviation = standard_deviation(pool);
  for (double& value : pool) value = 100 + 10 * (value - center) / deviation;
  return pool;
}

TEST_CASE("samples come from the pool, are the same again, and b has its advantage") {
  const std::vector<double> pool = {1, 2, 4};
  const TwoSamples samples = draw_samples(pool, 50, 0.5, 3, 9), again = draw_samples(pool, 50, 0.5, 3, 9);
  CHECK(samples.a == again.a);
  CHECK(samples.b == again.b);
  CHECK(samples.a != draw_samples(pool, 50, 0.5, 3, 10).a);
  for (const double value : samples.a) CHECK(std::count(pool.begin(), pool.end(), value) == 1);
  for (const double value : samples.b) CHECK(std::count(pool.begin(), pool.end(), value - 0.5) == 1);
  // More seeds go on with the same ones.
  const TwoSamples fewer = draw_samples(pool, 20, 0.5, 3, 9);
  CHECK(std::equal(fewer.a.begin(), fewer.a.end(), samples.a.begin()));
}

TEST_CASE("two equal methods with normal returns: shares that theory gives") {
  const std::vector<double> pool = normal_pool();
  constexpr std::size_t kComparisons = 2000;
  const ComparisonShares many = compare(pool, 50, 0, kComparisons, 1),
                         few = compare(pool, 5, 0, kComparisons, 1);
  // The bands are apart when |Z| > sqrt(2), nearly; four standard errors of a share of 2,000 are 0.033.
  CHECK(std::abs(many.bands_apart - std::erfc(1.0)) <= 0.035);
  CHECK(std::abs(many.significant - 0.05) <= 0.02);
  CHECK(std::abs(few.significant - 0.05) <= 0.02);
  CHECK(many.intervals_apart < 0.02);
  // The mean's interval of a percentile bootstrap is too narrow by sqrt((n - 1) / n), and uses no t quantile.
  CHECK(std::abs(many.covered - 0.94) <= 0.025);
  CHECK(few.covered > 0.78);
  CHECK(few.covered < 0.88);
  // The median of |N(0, 2 * 100 / n)| is 0.6745 standard deviations.
  CHECK(std::abs(many.median_gap - 0.6745 * 2 / 100) <= 0.0015);
  CHECK(std::abs(few.median_gap - 0.6745 * std::sqrt(40.0) / 100) <= 0.004);
}

TEST_CASE("a real difference is found by many seeds more often than by few") {
  const std::vector<double> pool = normal_pool();
  const ComparisonShares few = compare(pool, 5, 5, 500, 1), many = compare(pool, 50, 5, 500, 1);
  // Of half a standard deviation: the power of a t-test at 5 % is 0.108 for 5 against 5, and 0.697 for 50 against 50.
  CHECK(std::abs(few.significant - 0.108) <= 0.06);
  CHECK(std::abs(many.significant - 0.697) <= 0.085);
}

TEST_CASE("who looks after each seed finds something more often") {
  const std::vector<double> pool = normal_pool();
  const double once = compare(pool, 50, 0, 500, 1).significant,
               peeking = share_by_peeking(pool, 50, 0, 500, 1);
  CHECK(peeking > 3 * once);
  CHECK(peeking < 0.5);
  CHECK(share_by_peeking(pool, 3, 0, 500, 1) == doctest::Approx(compare(pool, 3, 0, 500, 1).significant));
}

TEST_CASE("the winner among equals seems better by the expectation of a maximum") {
  const std::vector<double> pool = normal_pool();
  for (const std::size_t candidates : {1, 10}) {
    const double expected = best_of_estimates(std::vector<double>(candidates), 10 / std::sqrt(5.0)).largest;
    CHECK(std::abs(winners_gain(pool, candidates, 5, 4000, 1) - expected) <= 5 * 4.5 / std::sqrt(4000));
  }
}

TEST_CASE("chapter 12: what is found is what a plain count of the same draws finds, to the last bit") {
  const std::atomic<bool> go_on = false;
  const std::vector<double> pool = trained_returns(30, 600, 1, go_on);
  const double truth = mean(pool);
  for (const std::size_t few : {5, 64}) {
    CAPTURE(few);
    const Experiment found =
        course_run("12", {"runs=30", "steps=600", "comparisons=100", "few=" + std::to_string(few)});
    CHECK(finding(found, "returns").numbers == std::vector{truth, standard_deviation(pool)});
    std::size_t at = 0;
    for (const std::size_t seeds : {few, std::size_t{50}}) {
      std::size_t bands = 0, apart = 0, significant = 0, covered = 0;
      std::vector<double> gaps;
      for (std::uint64_t k = 0; k < 100; ++k) {
        const TwoSamples samples = draw_samples(pool, seeds, 0, 1, k);
        const double root = std::sqrt(static_cast<double>(seeds));
        const double a = mean(samples.a), b = mean(samples.b);
        const double bars = standard_deviation(samples.a) / root + standard_deviation(samples.b) / root;
        const Interval of_a = mean_interval(samples.a), of_b = mean_interval(samples.b);
        gaps.push_back(std::abs(a - b));
        bands += std::abs(a - b) > bars;
        apart += std::max(of_a.low, of_b.low) > std::min(of_a.high, of_b.high);
        significant += welch_test(samples.a, samples.b) < 0.05;
        covered += of_a.low <= truth && truth <= of_a.high;
      }
      std::sort(gaps.begin(), gaps.end());
      const auto share = [&](const char* name) { return finding(found, name).numbers.at(at); };
      CHECK(share("gap") == (gaps[49] + gaps[50]) / 2 / truth);
      CHECK(std::lround(100 * share("bands_apart")) == static_cast<long>(bands));
      CHECK(std::lround(100 * share("intervals_apart")) == static_cast<long>(apart));
      CHECK(std::lround(100 * share("significant")) == static_cast<long>(significant));
      CHECK(std::lround(100 * share("covered")) == static_cast<long>(covered));
      ++at;
    }
  }
}

TEST_CASE("chapter 12: trained returns depend on the seed alone, and its settings change what is found") {
  const std::atomic<bool> go_on = false, stop = true;
  const std::vector<double> returns = trained_returns(3, 300, 5, go_on);
  CHECK(returns.size() == 3);
  CHECK(returns == trained_returns(3, 300, 5, go_on));
  CHECK(returns != trained_returns(3, 300, 6, go_on));
  CHECK(trained_returns(3, 300, 5, stop).empty());
  CHECK(course_run("12", {}, true).findings.empty());

  const Experiment equal = course_run("12", {"runs=30", "steps=600", "comparisons=100"}),
                   different = course_run("12", {"runs=30", "steps=600", "comparisons=100", "effect=3"});
  CHECK(number(equal, "returns") == number(different, "returns"));
  CHECK(number(different, "significant") > number(equal, "significant") + 0.5);
  CHECK(number(course_run("12", {"runs=30", "steps=600", "comparisons=100", "few=20"}), "gap") <
        number(equal, "gap"));
}

}  // namespace
}  // namespace bellman::test
