#include "apps/sweep_statistics.h"

#include <cmath>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include "apps/sweep_report.h"
#include "core/rng.h"

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
