// What a number that was measured once a seed says: means, their spread, and how far they can be trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

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

/// Where the probability of success lies, at 95 %, after `successes` of `trials` independent ones: Clopper
/// and Pearson 1934. It never promises too much: 20 of 20 say "at least 0.83". NaN without trials. REQUIRES:
/// successes <= trials.
Interval clopper_pearson(std::size_t successes, std::size_t trials);

using Statistic = std::function<double(std::span<const double>)>;

/// The percentile bootstrap (Efron 1979): where the middle 95 % of the statistic of `resamples` samples lie
/// that are drawn with replacement from `values`. The same numbers for the same seed. NaN without values.
/// The values are one stratum: a sweep compares settings, and each setting's seeds are resampled by
/// themselves.
Interval bootstrap_interval(std::span<const double> values, const Statistic& statistic, std::size_t resamples,
                            std::uint64_t seed);

}  // namespace bellman
