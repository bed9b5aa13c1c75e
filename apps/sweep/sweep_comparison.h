// The scores of a sweep's runs, and each variant beside the baseline: the statistics of research_statistics.h on
// the runs that finished.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/sweep/research_statistics.h"
#include "apps/sweep/sweep_plan.h"
#include "apps/sweep/sweep_runner.h"

namespace bellman {

/// A number of a finished run; more is better.
struct SweepScore {
  const char* key;                                        // in sweep.csv and sweep.json
  const char* name;                                       // for people
  double (*of)(const SweepRun&, const TrainConfig& run);  // NaN: the run has none
};
/// The kept network's final evaluation ("eval_mean"); the last network's evaluation in the last step of
/// training ("last_eval_mean", of eval_episodes episodes); the area under the learning curve
/// ("area_under_curve", to total_timesteps); the mean return of the last 100 training episodes
/// ("training_mean"). The first two differ where a run keeps its best network.
std::span<const SweepScore> sweep_scores();

/// The score of each of the variant's seeds; NaN where the run has none, or has not finished.
std::vector<double> scores_of(const SweepPlan& plan, const std::vector<SweepRun>& runs, std::size_t variant,
                              const SweepScore& score);

/// X is the variant, Y the baseline.
struct ScoreComparison {
  std::size_t pairs = 0;          // seeds for which both have the score
  double difference = 0;          // the mean of paired_differences()
  Interval difference_interval;   // 95 %, over these seeds
  double improvement = 0;         // probability_of_improvement()
  Interval improvement_interval;  // 95 %
};
struct VariantComparison {
  std::size_t baseline = 0;
  std::vector<ScoreComparison> scores;  // in the order of sweep_scores()
};

/// What the variant is compared with: the plan's baseline, or the first variant of its environment where that
/// is another one. Nothing for these themselves.
std::optional<std::size_t> baseline_of(const SweepPlan& plan, std::size_t variant);
/// One of each variant, the same for the same runs.
std::vector<std::optional<VariantComparison>> compare_variants(const SweepPlan& plan,
                                                               const std::vector<SweepRun>& runs);

/// The profile of each variant's kept networks, at thresholds that all variants of an environment share.
/// Empty without finished runs.
std::vector<std::vector<ProfilePoint>> performance_profiles(const SweepPlan& plan,
                                                            const std::vector<SweepRun>& runs);

/// The variant with this label. Throws: Error that names the labels.
std::size_t variant_with_label(const SweepPlan& plan, const std::string& label);

/// A line about finished runs of earlier versions, which lack "training_mean"; empty without any.
std::string unrecorded_note(const std::vector<SweepRun>& runs);

}  // namespace bellman
