#include "apps/sweep/sweep_statistics.h"

#include <cmath>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include "apps/sweep/sweep_report.h"
#include "core/base/rng.h"

namespace bellman::test {
namespace {

using Values = std::vector<double>;

TEST_CASE("mean, standard deviation and median of a sample") {
  CHECK(mean(Values{1, 2, 6}) == 3);
  CHECK(standard_deviation(Values{1, 2, 6}) == doctest::Approx(std::sqrt(7.0)));  // (4 + 1 + 9) / 2
  CHECK(median(Values{6, 1, 2}) == 2);
  CHECK(median(Values{6, 1, 2, 3}) == 2.5);
  CHECK(std::isnan(mean({})));
  CHECK(std::isnan(standard_deviation(Values{1})));
  CHECK(std::isnan(median({})));
}

TEST_CASE("a run that failed has not solved it, and has no return") {
  std::vector<SweepRun> runs(4);
  for (const std::size_t i : {0, 1}) {
    runs[i].state = RunState::kFinished;
    runs[i].result.eval.mean = 500;
    runs[i].result.solved_at_timestep = 1000;
  }
  runs[2].state = RunState::kFailed;
  const VariantSummary half = summarise(std::span<const SweepRun>(runs));  // the last one has not run
  CHECK(half.finished == 2);
  CHECK(half.failed == 1);
  CHECK(half.mean == 500);
  CHECK(half.solved == doctest::Approx(2.0 / 3));
  CHECK(half.median_steps_to_solve == 1000);
  runs[1].state = RunState::kFailed;
  const VariantSummary third = summarise(std::span<const SweepRun>(runs));
  CHECK(third.solved == doctest::Approx(1.0 / 3));
  CHECK(std::isinf(third.median_steps_to_solve));
}

TEST_CASE("the interquartile mean leaves a quarter out at each end") {
  CHECK(interquartile_mean(Values{100, 1, 2, -50}) == 1.5);
  CHECK(interquartile_mean(Values{1, 2, 6}) == 3);                    // floor(3/4) = 0 are left out
  CHECK(interquartile_mean(Values{9, 8, 7, 6, 5, 4, 3, 2, 1}) == 5);  // two at each end
  CHECK(std::isnan(interquartile_mean({})));
}

TEST_CASE("Welch's test: quantiles of Student's distribution") {
  // 0, 1, 2, 3, 4 have the variance 2.5, so the difference has the standard error 1 and 8 degrees of freedom.
  const Values a = {0, 1, 2, 3, 4};
  for (const auto& [t, p] : {std::pair{2.306004135, 0.05}, {3.355387331, 0.01}, {0.0, 1.0}}) {
    Values b = a;
    for (double& value : b) value += t;
    CHECK(welch_test(a, b) == doctest::Approx(p).epsilon(1e-7));
    CHECK(welch_test(b, a) == doctest::Approx(p).epsilon(1e-7));
  }
  // Two of 0 and 1 against a constant: one degree of freedom, Cauchy's distribution, t = 3: 1 - 2/pi atan 3.
  CHECK(welch_test(Values{0, 1}, Values{2, 2}) == doctest::Approx(0.2048327647).epsilon(1e-8));
  CHECK(std::isnan(welch_test(Values{1}, a)));
  CHECK(std::isnan(welch_test(Values{1, 1}, Values{2, 2})));
}

// Values of R's binom.test(k, n)$conf.int and of closed forms: no misses give (1/40)^(1/n) to 1.
TEST_CASE("Clopper-Pearson bounds of the share of successes") {
  struct Case {
    std::size_t successes, trials;
    double low, high;
  };
  for (const Case& c :
       {Case{20, 20, std::pow(0.025, 1.0 / 20), 1}, Case{0, 20, 0, 1 - std::pow(0.025, 1.0 / 20)},
        Case{100, 100, std::pow(0.025, 0.01), 1}, Case{1, 1, 0.025, 1}, Case{0, 1, 0, 0.975},
        Case{5, 10, 0.1870860, 0.8129140}, Case{1, 10, 0.002528579, 0.4450161},
        Case{7, 10, 0.3475471, 0.9332605}, Case{95, 100, 0.8871651, 0.9835681},
        Case{682, 925, 0.7076683, 0.7654066}}) {
    CAPTURE(c.successes);
    CAPTURE(c.trials);
    const Interval bounds = clopper_pearson(c.successes, c.trials);
    CHECK(bounds.low == doctest::Approx(c.low).epsilon(1e-6));
    CHECK(bounds.high == doctest::Approx(c.high).epsilon(1e-6));
  }
  CHECK(clopper_pearson(20, 20).low == doctest::Approx(0.8316).epsilon(1e-4));
  CHECK(std::isnan(clopper_pearson(0, 0).low));
}

/// P(X >= k) of a binomial, summed term by term.
double binomial_tail(std::size_t k, std::size_t n, double p) {
  double sum = 0;
  for (std::size_t i = k; i <= n; ++i) {
    const auto x = static_cast<double>(i), m = static_cast<double>(n);
    sum += std::exp(std::lgamma(m + 1) - std::lgamma(x + 1) - std::lgamma(m - x + 1) + x * std::log(p) +
                    (m - x) * std::log1p(-p));
  }
  return sum;
}

TEST_CASE("at a Clopper-Pearson bound what was seen has a probability of 2.5 %") {
  for (const std::size_t n : {2, 3, 17, 50, 1000, 20'000})
    for (const std::size_t k : {std::size_t{1}, n / 3 + 1, n / 2, n - 1}) {
      CAPTURE(n);
      CAPTURE(k);
      const Interval bounds = clopper_pearson(k, n);
      CHECK(binomial_tail(k, n, bounds.low) == doctest::Approx(0.025).epsilon(1e-6));
      CHECK(1 - binomial_tail(k + 1, n, bounds.high) == doctest::Approx(0.025).epsilon(1e-5));
    }
}

TEST_CASE("a bootstrap interval of equal values has no width, and the same seed gives the same") {
  const Values equal(7, 3.0);
  const Interval none = bootstrap_interval(equal, mean, 100, 1);
  CHECK(none.low == 3);
  CHECK(none.high == 3);
  const Values values = {1, 5, 2, 8, 4, 4, 9, 3};
  const Interval a = bootstrap_interval(values, mean, 500, 1), b = bootstrap_interval(values, mean, 500, 1);
  CHECK(a.low == b.low);
  CHECK(a.high == b.high);
  CHECK(a.low < mean(values));
  CHECK(mean(values) < a.high);
  CHECK(std::isnan(bootstrap_interval({}, mean, 500, 1).low));
}

// Of 400 samples of 40 uniform numbers about 95 % of the intervals must hold the true mean; the percentile
// bootstrap is a little narrow at this size. Binomial: 4 standard deviations of 400 at 0.93 are 20.
TEST_CASE("a bootstrap interval holds the true mean about as often as it says") {
  constexpr int kSamples = 400;
  int held = 0;
  for (int s = 0; s < kSamples; ++s) {
    RandomSequence random({7, Purpose::kTest, 1}, static_cast<std::uint64_t>(s));
    Values values(40);
    for (double& value : values) value = static_cast<double>(random.uniform());
    const Interval interval = bootstrap_interval(values, mean, 300, static_cast<std::uint64_t>(s));
    held += interval.low <= 0.5 && 0.5 <= interval.high;
  }
  CHECK(held >= 0.93 * kSamples - 20);
  CHECK(held <= 0.95 * kSamples + 20);
}

}  // namespace
}  // namespace bellman::test
