#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>

#include "apps/page/chart.h"
#include "apps/page/page.h"
#include "apps/report/report_page.h"
#include "apps/sweep/sweep_statistics.h"
#include "core/base/text.h"

namespace bellman {
namespace {

constexpr std::size_t kMostPoints = 400;

/// One of progress.csv's columns as a chart.
struct CurveChart {
  const char *column, *title, *how, *label;
  Scale scale = Scale::kLinear;
};
constexpr CurveChart kCharts[] = {
    {"eval/mean_reward", "Evaluations while training",
     "Greedy episodes on fresh seeds: what the policy is able to do. It should rise and stay.",
     "mean return"},
    {"rollout/ep_rew_mean", "Training episodes",
     "The last 100 episodes, exploration included; below the evaluations as long as epsilon is above 0.",
     "mean return"},
    {"train/mean_q", "Mean Q-value of the batches",
     "What the network promises. It should settle; a steady climb beyond the largest possible return is "
     "divergence.",
     "mean Q"},
    {"train/loss", "Loss",
     "It need not fall: targets move, and a policy that gets farther sees larger errors. Jumps of powers of "
     "ten are a warning.",
     "loss", Scale::kLog10},
    {"train/grad_norm", "Norm of the gradient before clipping",
     "Steadily far above max_grad_norm, every step is cut to the same length.", "norm", Scale::kLog10},
    {"rollout/exploration_rate", "Epsilon", "The share of random actions.", "epsilon"},
    {"train/learning_rate", "Learning rate", "As the schedule gives it.", "learning rate"},
    {"time/fps", "Speed",
     "Environment steps a second since the run began, learning and evaluations included.", "steps a second"},
};

const std::vector<double>* column(const RunData& run, const char* name) {
  const auto found = run.progress.find(name);
  return found == run.progress.end() ? nullptr : &found->second;
}

/// The mean over the runs at each timestep that has a number, and the bootstrap's band where there are several.
Series series_of(std::span<const RunData> runs, const char* name) {
  std::map<double, std::vector<double>> at;
  for (const RunData& run : runs) {
    const std::vector<double>* const steps = column(run, "time/total_timesteps");
    const std::vector<double>* const values = column(run, name);
    if (!steps || !values) continue;
    for (std::size_t i = 0; i < steps->size(); ++i)
      if (std::isfinite((*steps)[i]) && std::isfinite((*values)[i])) at[(*steps)[i]].push_back((*values)[i]);
  }
  Series series = {name, {}};
  const std::size_t stride = (at.size() + kMostPoints - 1) / kMostPoints;
  std::size_t i = 0;
  for (const auto& [step, values] : at) {
    if (i++ % std::max<std::size_t>(stride, 1) != 0 && i != at.size()) continue;
    const double y = mean(values);
    const Interval band = values.size() > 1 ? bootstrap_interval(values, mean, 200, i) : Interval{y, y};
    series.points.push_back({step, y, band.low, band.high});
  }
  return series;
}

/// A line for each run, each with the settings that set it apart.
std::vector<Series> branches(std::span<const RunData> runs, const char* name) {
  std::vector<Series> lines;
  for (const RunData& run : runs) {
    lines.push_back(series_of({&run, 1}, name));
    const std::string settings = differing_settings(run, runs.front());
    lines.back().name = run.name + (settings.empty() ? "" : ": " + settings);
  }
  return lines;
}

std::vector<ChartMark> fork_marks(std::span<const RunData> runs) {
  std::map<std::int64_t, std::string> names;
  for (const RunData& run : runs)
    if (const PastSettings* const fork = fork_of(run)) {
      std::string& text = names[fork->until];
      text += (text.empty() ? "" : ", ") + run.name;
    }
  std::vector<ChartMark> marks;
  for (const auto& [step, text] : names) marks.push_back({static_cast<double>(step), text});
  return marks;
}

/// The last finite number of a column; NaN without one.
double last_of(const RunData& run, const char* name) {
  const std::vector<double>* const values = column(run, name);
  if (values)
    for (auto value = values->rbegin(); value != values->rend(); ++value)
      if (std::isfinite(*value)) return *value;
  return std::numeric_limits<double>::quiet_NaN();
}

double largest_of(const RunData& run, const char* name) {
  double most = -std::numeric_limits<double>::infinity();
  if (const std::vector<double>* const values = column(run, name))
    for (const double value : *values)
      if (std::isfinite(value)) most = std::max(most, value);
  return most;
}

}  // namespace

Markup curves_section(const std::vector<RunData>& runs) {
  Markup text;
  const bool branching = has_fork(runs);
  const std::string lines = branching         ? " Up to its mark a fork is the run that it was forked from."
                            : runs.size() > 1 ? " The line is the mean of " + std::to_string(runs.size()) +
                                                    " runs, the band its 95 % bootstrap interval."
                                              : "";
  for (const CurveChart& chart : kCharts)
    text +=
        line_chart({chart.title, chart.how + lines, "environment steps", chart.label, true, fork_marks(runs)},
                   branching ? branches(runs, chart.column) : std::vector{series_of(runs, chart.column)},
                   Scale::kLinear, chart.scale);
  return text.empty() ? text : section("curves", "How it went", text);
}

Markup verdicts_section(const std::vector<RunData>& runs) {
  std::vector<std::string> verdicts;
  for (const RunData& run : runs) {
    const std::string who = runs.size() > 1 ? run.name + ": " : "";
    const double best = largest_of(run, "eval/mean_reward"), last = last_of(run, "eval/mean_reward");
    const double q = largest_of(run, "train/mean_q"), updates = last_of(run, "train/n_updates");
    const double highest = make_env(run.config.env)->spec().highest_return;
    if (updates == 0)
      verdicts.push_back(who + "no gradient step was made: learning_starts is " +
                         std::to_string(run.config.learning_starts) + ".");
    if (last_of(run, "train/skipped_updates") > 0)
      verdicts.push_back(who + "some gradient steps were left out because a number was not finite (on_nan).");
    if (std::isfinite(highest) && highest > 0 && q > 1.5 * highest)
      verdicts.push_back(who + "the mean Q-value reached " + formatted("%.4g", q) +
                         ", and no episode returns more than " + formatted("%.4g", highest) +
                         ": the bootstrap feeds on itself. Try a smaller learning_rate, a larger "
                         "target_network_frequency, or double.");
    if (std::isfinite(best) && std::isfinite(last) && best > 0 && last < 0.7 * best)
      verdicts.push_back(who + "the last evaluation, " + formatted("%.4g", last) +
                         ", is far below the best, " + formatted("%.4g", best) +
                         ": the network forgot. Try a larger buffer_size or a smaller learning_rate; "
                         "keep_best keeps the best network.");
    if (last_of(run, "rollout/exploration_rate") > 0.5)
      verdicts.push_back(
          who + "epsilon was still " + formatted("%.2f", last_of(run, "rollout/exploration_rate")) +
          " at the end: exploration_fraction is " + formatted("%g", run.config.exploration_fraction) + ".");
    for (const std::string& verdict : network_verdicts(run)) verdicts.push_back(who + verdict);
  }
  Markup text;
  for (const std::string& verdict : verdicts)
    text += element("p", {{"class", "verdict"}}, as_text(verdict)) + "\n";
  if (verdicts.empty()) text += element("p", Markup("Nothing stands out.")) + "\n";
  return section("verdicts", "What stands out", text);
}

}  // namespace bellman
