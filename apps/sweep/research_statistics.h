// Statistics that compare methods over several seeds, after Agarwal et al. 2021, "Deep Reinforcement Learning at
// the Edge of the Statistical Precipice" (NeurIPS), whose library rliable is their oracle
// (scripts/golden/rliable_scores.py). All are of one task. docs/research.md says when to use which.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "apps/sweep/sweep_statistics.h"
#include "core/base/tensor.h"
#include "rl/train/train_result.h"

namespace bellman {

/// d_s = x_s - y_s of each seed s that has both; a value that is NaN does not exist. What the seed fixes
/// for both, such as the task's random numbers, cancels in part, so that the mean of d varies less than the
/// difference of two means of independent samples (Fisher 1935, "The Design of Experiments", ch. 3).
/// REQUIRES: x and y are in the order of the same seeds.
std::vector<double> paired_differences(std::span<const double> x, std::span<const double> y);

/// P(X > Y) = 1/(n m) sum_i sum_j S(x_i, y_j), x of n numbers, y of m, with S = 1 if x_i > y_j, 1/2 if they are
/// equal, otherwise 0 (Agarwal et al. 2021; Mann and Whitney 1947: their U is n m P). It ignores
/// the pairs, and how large an improvement is. NaN where either has no values.
double probability_of_improvement(std::span<const double> x, std::span<const double> y);
/// 95 %, by the percentile bootstrap; x and y are resampled independently, as rliable does.
Interval improvement_interval(std::span<const double> x, std::span<const double> y, std::size_t resamples,
                              const Draw& draw_x, const Draw& draw_y);

/// A point of a performance profile.
struct ProfilePoint {
  double tau = 0;
  double share = 0;   // of the runs whose score is above tau
  Interval interval;  // 95 %, of this share alone
};
/// The run-score distribution F(tau) = 1/n sum_i 1[x_i > tau] at each tau (Agarwal et al. 2021), with
/// the percentile bootstrap's intervals. A profile that is nowhere below another one dominates it. Empty
/// without values. REQUIRES: taus ascend.
std::vector<ProfilePoint> performance_profile(std::span<const double> x, std::span<const double> taus,
                                              std::size_t resamples, const Draw& draw);
/// `count` thresholds at equal distances, from a little below the smallest value to the largest. Empty
/// without values. REQUIRES: count > 1.
std::vector<double> profile_thresholds(std::span<const double> values, std::size_t count);

/// The mean of the learning curve R(t) over time: 1/(T - t_1) times the integral from t_1 to T, by trapezia.
/// t_1 is the first evaluation. After the last one R keeps its value, as a run that ended early keeps its
/// network. T is `end`, or the last evaluation where that is later. It has the unit of a return, and is high
/// for a run that learns early. A single evaluation at T is its own mean. NaN without evaluations.
double area_under_curve(std::span<const EvaluationPoint> curve, Index end);

}  // namespace bellman
