// Comparisons of two methods by a few seeds each, where it is known whether they differ.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "apps/sweep/sweep_statistics.h"
#include "core/base/tensor.h"

namespace bellman {

/// The final returns of that many trainings of one method: a small network on CartPole-v1 that has not learnt it yet. Seeds
/// are derived from `seed`. Fewer when *stop becomes true.
std::vector<double> trained_returns(Index runs, Index steps, std::uint64_t seed,
                                    const std::atomic<bool>& stop);

/// Two methods' returns, element i of each by the i-th seed.
struct TwoSamples {
  std::vector<double> a, b;
};

/// The k-th comparison: seeds of a and of b, drawn with replacement from the same pool. b has `advantage` added.
TwoSamples draw_samples(std::span<const double> pool, std::size_t seeds, double advantage, std::uint64_t seed,
                        std::uint64_t k);

/// What comparisons of n seeds against n come to.
struct ComparisonShares {
  std::size_t seeds = 0;
  double bands_apart = 0;      // share in which mean plus or minus one standard error do not overlap
  double intervals_apart = 0;  // ... in which the bootstrap's 95 % intervals do not
  double significant = 0;      // ... in which Welch's test has p < 0.05
  double covered = 0;          // share of the bootstrap's intervals of a that hold the pool's mean
  double median_gap = 0;       // of |mean a - mean b|, over the pool's mean
};
ComparisonShares compare(std::span<const double> pool, std::size_t seeds, double advantage,
                         std::size_t comparisons, std::uint64_t seed);

/// The share of comparisons in which Welch's test has p < 0.05 at some number of seeds from 3 to `most`, for an experimenter
/// who adds a seed to each and looks again.
double share_by_peeking(std::span<const double> pool, std::size_t most, double advantage,
                        std::size_t comparisons, std::uint64_t seed);

/// How much better than the pool's mean the best of `settings` looks, by the mean of `seeds` each, if all are the same.
double winners_gain(std::span<const double> pool, std::size_t settings, std::size_t seeds,
                    std::size_t comparisons, std::uint64_t seed);

/// The 95 % interval of the mean.
Interval mean_interval(std::span<const double> values);

}  // namespace bellman
