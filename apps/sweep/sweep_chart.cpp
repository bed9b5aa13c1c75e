#include "apps/sweep/sweep_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "apps/page/chart.h"
#include "apps/sweep/sweep_statistics.h"

namespace bellman {
namespace {

constexpr std::size_t kMostPoints = 120, kBandResamples = 300;

/// A run's last evaluation at or before `timestep`, also after a run that ended early. NaN before its first.
double value_at(const SweepRun& run, Index timestep) {
  const auto after = std::upper_bound(run.curve.begin(), run.curve.end(), timestep,
                                      [](Index t, const EvaluationPoint& p) { return t < p.timestep; });
  return after == run.curve.begin() ? std::numeric_limits<double>::quiet_NaN() : (after - 1)->mean_return;
}

std::vector<ChartPoint> band_of(std::span<const SweepRun> runs) {
  std::vector<Index> timesteps;
  for (const SweepRun& run : runs)
    for (const EvaluationPoint& point : run.curve) timesteps.push_back(point.timestep);
  std::sort(timesteps.begin(), timesteps.end());
  timesteps.erase(std::unique(timesteps.begin(), timesteps.end()), timesteps.end());
  const std::size_t stride = (timesteps.size() + kMostPoints - 1) / kMostPoints;

  std::vector<ChartPoint> band;
  std::vector<double> values;
  for (std::size_t i = 0; i < timesteps.size(); ++i) {
    if (i % stride != 0 && i + 1 != timesteps.size()) continue;
    values.clear();
    for (const SweepRun& run : runs)
      if (const double value = value_at(run, timesteps[i]); !std::isnan(value)) values.push_back(value);
    const Interval interval = bootstrap_interval(values, interquartile_mean, kBandResamples, i);
    band.push_back(
        {static_cast<double>(timesteps[i]), interquartile_mean(values), interval.low, interval.high});
  }
  return band;
}

}  // namespace

Markup sweep_chart(const SweepPlan& plan, const std::vector<SweepRun>& runs) {
  const ChartWords words = {
      "Return of evaluations over environment steps",
      "A line is the interquartile mean over the seeds of the evaluations during training. A run that ended "
      "early keeps its last one. A band holds 95 % of a percentile bootstrap over the seeds.",
      "environment steps", "mean return of an evaluation", false};
  std::vector<Series> series;
  for (std::size_t v = 0; v < plan.variants.size(); ++v)
    series.push_back({plan.variants[v].label, band_of(runs_of(plan, runs, v))});
  return line_chart(words, series);
}

}  // namespace bellman
