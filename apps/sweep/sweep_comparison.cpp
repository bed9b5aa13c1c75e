#include "apps/sweep/sweep_comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "apps/base/numbers.h"
#include "apps/settings/settings.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

constexpr double kNoScore = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kComparisonResamples = 2000, kProfileResamples = 300, kThresholds = 41;
constexpr std::uint64_t kComparisonSeed = 2;

/// Only an evaluation of the very last step is the last network's.
double last_evaluation(const SweepRun& run, const TrainConfig& /*config*/) {
  const bool has_one = !run.curve.empty() && run.curve.back().timestep == run.result.timesteps;
  return has_one ? run.curve.back().mean_return : kNoScore;
}

constexpr std::array<SweepScore, 4> kScores = {{
    {"eval_mean", "kept network",
     [](const SweepRun& run, const TrainConfig&) { return run.result.eval.mean; }},
    {"last_eval_mean", "last network", last_evaluation},
    {"area_under_curve", "area under the curve",
     [](const SweepRun& run, const TrainConfig& config) {
       return area_under_curve(run.curve, config.total_timesteps);
     }},
    {"training_mean", "training, last 100 episodes",
     [](const SweepRun& run, const TrainConfig&) {
       return run.result.training_episodes.value_or(0) > 0 ? run.result.training_mean : kNoScore;
     }},
}};

std::vector<double> that_exist(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  return values;
}

ScoreComparison score_comparison(const std::vector<double>& x, const std::vector<double>& y) {
  const std::vector<double> differences = paired_differences(x, y), all_x = that_exist(x),
                            all_y = that_exist(y);
  const Draw draw = seeded_draw(kComparisonSeed);
  const Interval none = {kNoScore, kNoScore};  // a single number, resampled, is always itself
  return {.pairs = differences.size(),
          .difference = mean(differences),
          .difference_interval = differences.size() < 2
                                     ? none
                                     : bootstrap_interval(differences, mean, kComparisonResamples, draw),
          .improvement = probability_of_improvement(all_x, all_y),
          .improvement_interval = std::min(all_x.size(), all_y.size()) < 2
                                      ? none
                                      : improvement_interval(all_x, all_y, kComparisonResamples, draw,
                                                             seeded_draw(kComparisonSeed, /*lane=*/1))};
}

const std::string& env_id_of_variant(const SweepPlan& plan, std::size_t variant) {
  return plan.variants[variant].resolved.config.env.id;
}

}  // namespace

std::span<const SweepScore> sweep_scores() { return kScores; }

std::vector<double> scores_of(const SweepPlan& plan, const std::vector<SweepRun>& runs, std::size_t variant,
                              const SweepScore& score) {
  std::vector<double> scores;
  for (const SweepRun& run : runs_of(plan, runs, variant))
    scores.push_back(run.state == RunState::kFinished ? score.of(run, plan.variants[variant].resolved.config)
                                                      : kNoScore);
  return scores;
}

std::optional<std::size_t> baseline_of(const SweepPlan& plan, std::size_t variant) {
  std::size_t baseline = plan.baseline;
  if (env_id_of_variant(plan, baseline) != env_id_of_variant(plan, variant))
    for (baseline = 0; env_id_of_variant(plan, baseline) != env_id_of_variant(plan, variant);) ++baseline;
  return baseline == variant ? std::nullopt : std::optional(baseline);
}

std::vector<std::optional<VariantComparison>> compare_variants(const SweepPlan& plan,
                                                               const std::vector<SweepRun>& runs) {
  std::vector<std::optional<VariantComparison>> comparisons(plan.variants.size());
  for (std::size_t v = 0; v < plan.variants.size(); ++v) {
    const std::optional<std::size_t> baseline = baseline_of(plan, v);
    if (!baseline) continue;
    comparisons[v] = VariantComparison{*baseline, {}};
    for (const SweepScore& score : kScores)
      comparisons[v]->scores.push_back(
          score_comparison(scores_of(plan, runs, v, score), scores_of(plan, runs, *baseline, score)));
  }
  return comparisons;
}

std::vector<std::vector<ProfilePoint>> performance_profiles(const SweepPlan& plan,
                                                            const std::vector<SweepRun>& runs) {
  std::vector<std::vector<double>> scores;
  for (std::size_t v = 0; v < plan.variants.size(); ++v)
    scores.push_back(that_exist(scores_of(plan, runs, v, kScores.front())));
  std::vector<std::vector<ProfilePoint>> profiles;
  for (std::size_t v = 0; v < scores.size(); ++v) {
    std::vector<double> of_environment;
    for (std::size_t other = 0; other < scores.size(); ++other)
      if (env_id_of_variant(plan, other) == env_id_of_variant(plan, v))
        of_environment.insert(of_environment.end(), scores[other].begin(), scores[other].end());
    profiles.push_back(performance_profile(scores[v], profile_thresholds(of_environment, kThresholds),
                                           kProfileResamples, seeded_draw(kComparisonSeed)));
  }
  return profiles;
}

namespace {

/// "network=dense 8, relu, gamma=0.9" at the keys of the grid: what has no such key belongs to the value before it.
std::vector<std::pair<const Setting*, std::string>> grid_values(const SweepPlan& plan,
                                                                const std::string& label) {
  std::vector<std::pair<const Setting*, std::string>> values;
  for (const std::string& part : split_list(label, ',')) {
    const std::vector<std::string> sides = split_list(part, '=');
    const Setting* const setting = sides.size() == 2 ? find_setting(sides[0]) : nullptr;
    if (setting && std::ranges::find(plan.grid, setting) != plan.grid.end())
      values.emplace_back(setting, sides[1]);
    else if (!values.empty())
      values.back().second += ", " + part;
  }
  return values;
}

/// Whether the variant has these values of all settings of the grid, however they are spelt. Throws: Error for what is no
/// value.
bool has_values(const SweepPlan& plan, const SweepVariant& variant,
                const std::vector<std::pair<const Setting*, std::string>>& values) {
  TrainConfig config = variant.resolved.config;
  for (const auto& value : values)
    assign(config, *value.first, "--baseline " + file_key(*value.first), value.second);
  std::size_t equal = 0;
  for (std::size_t i = 0; i < plan.grid.size(); ++i)
    equal += value_text(config, *plan.grid[i]) == variant.values[i] ? 1 : 0;
  return !values.empty() && values.size() == plan.grid.size() && equal == plan.grid.size();
}

}  // namespace

std::size_t variant_with_label(const SweepPlan& plan, const std::string& label) {
  std::string labels;
  const auto values = grid_values(plan, label);
  for (std::size_t v = 0; v < plan.variants.size(); ++v) {
    if (plan.variants[v].label == label || has_values(plan, plan.variants[v], values)) return v;
    labels += (v == 0 ? "\"" : ", \"") + plan.variants[v].label + "\"";
  }
  fail("--baseline \"", printable(label), "\": the sweep has ", labels);
}

std::string unrecorded_note(const std::vector<SweepRun>& runs) {
  const auto unrecorded = std::count_if(runs.begin(), runs.end(), [](const SweepRun& run) {
    return run.state == RunState::kFinished && !run.result.training_episodes;
  });
  if (unrecorded == 0) return "";
  return counted(static_cast<std::size_t>(unrecorded), "run") + (unrecorded == 1 ? " was" : " were") +
         " trained by an earlier version, which did not record the returns of training episodes: "
         "training_mean is "
         "empty there.";
}

}  // namespace bellman
