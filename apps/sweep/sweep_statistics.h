// Statistics of a number that each seed gives once: means, spread, confidence intervals; and those of a
// sweep's runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "apps/sweep/sweep_plan.h"
#include "apps/sweep/sweep_runner.h"

namespace bellman {

double mean(std::span<const double> values);
/// Of a sample: sum (x - mean)^2 / (n - 1). NaN for fewer than two values.
double standard_deviation(std::span<const double> values);
/// The middle value, or the mean of the two. NaN without values.
double median(std::span<const double> values);
/// Interquartile mean: the mean of what is left when the floor(n/4) smallest and largest are taken away
/// (Agarwal et al. 2021, "Deep RL at the edge of the statistical precipice"). NaN without values.
double interquartile_mean(std::span<const double> values);

struct Interval {
  double low = 0, high = 0;
};

/// The 95 % confidence interval of the probability of success after `successes` of `trials` independent
/// trials: Clopper and Pearson 1934. It is conservative: 20 of 20 give "at least 0.83". NaN without trials.
/// REQUIRES: successes <= trials.
Interval clopper_pearson(std::size_t successes, std::size_t trials);

/// The two-sided p-value of Welch's test (1947) that two samples have the same mean; nearly exact for normal ones. NaN for fewer than two values in either, or where neither varies.
double welch_test(std::span<const double> a, std::span<const double> b);

using Statistic = std::function<double(std::span<const double>)>;

/// The middle 95 % of a statistic's values over resamples: their 2.5 % and 97.5 % quantiles, interpolated
/// linearly. NaN without any.
Interval percentile_interval(std::vector<double> statistics);

/// Chooses resample number i with replacement: writes places(n), each below n.
using Draw = std::function<void(std::size_t i, std::span<std::uint32_t> places)>;
/// Random numbers that depend on seed, lane and i alone. Samples that are resampled independently have lanes
/// of their own.
Draw seeded_draw(std::uint64_t seed, std::uint32_t lane = 0);

/// The percentile bootstrap (Efron 1979): the middle 95 % of the statistic over `resamples` samples that are
/// drawn with replacement from `values`. The same draw or seed gives the same numbers. NaN without values. The
/// values are one stratum: a sweep compares settings, and resamples the seeds of each setting separately.
Interval bootstrap_interval(std::span<const double> values, const Statistic& statistic, std::size_t resamples,
                            const Draw& draw);
Interval bootstrap_interval(std::span<const double> values, const Statistic& statistic, std::size_t resamples,
                            std::uint64_t seed);

/// Statistics of a variant's runs that are over. The returns are those of the finished runs; a failed run
/// counts as not solved. NaN where there is no value.
struct VariantSummary {
  std::size_t finished = 0, failed = 0;
  double mean = 0, std = 0;  // of the final evaluations' mean returns, over the seeds
  double iqm = 0;
  Interval interval;                                              // 95 %, of the iqm
  double solved = 0;                                              // share of those that are over
  Interval solved_bounds;                                         // 95 %, Clopper-Pearson
  double median_steps_to_solve = 0, median_seconds_to_solve = 0;  // not finite unless half solve it
};

/// Of one variant's runs.
VariantSummary summarise(std::span<const SweepRun> runs);
/// One of each variant.
std::vector<VariantSummary> summarise(const SweepPlan& plan, const std::vector<SweepRun>& runs);

}  // namespace bellman
