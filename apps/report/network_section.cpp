// What diagnostics.csv says of the network over training time.
#include <algorithm>
#include <cmath>
#include <utility>

#include "apps/base/numbers.h"
#include "apps/page/chart.h"
#include "apps/page/page.h"
#include "apps/report/report_page.h"
#include "apps/scene/value_map.h"
#include "core/base/text.h"
#include "envs/grid/tabular_env.h"
#include "rl/train/value_errors.h"

namespace bellman {
namespace {

/// The columns whose names begin so, a series each of the rows that have a number.
std::vector<Series> series_with(const RunData& run, std::string_view prefix, std::string_view before = "") {
  std::vector<Series> all;
  const auto steps = run.diagnostics.find("time/total_timesteps");
  if (steps == run.diagnostics.end()) return all;
  for (const auto& [name, values] : run.diagnostics) {
    if (!name.starts_with(prefix)) continue;
    Series series = {std::string(before) + name.substr(prefix.size()), {}};
    for (std::size_t i = 0; i < values.size(); ++i)
      if (std::isfinite(values[i]))
        series.points.push_back({steps->second[i], values[i], values[i], values[i]});
    all.push_back(std::move(series));
  }
  return all;
}

/// For a chart: as many rows of each as a drawing can show and a page should hold, the last among them.
std::vector<Series> thinned(std::vector<Series> all) {
  constexpr std::size_t kMostOfAll = 2'400, kMostOfOne = 400;
  for (Series& series : all) {
    const std::size_t most = std::clamp<std::size_t>(kMostOfAll / all.size(), 20, kMostOfOne);
    const std::size_t stride = series.points.size() / most + 1;
    std::vector<ChartPoint> kept;
    for (std::size_t i = 0; i < series.points.size(); ++i)
      if (i % stride == 0 || i + 1 == series.points.size()) kept.push_back(series.points[i]);
    series.points = std::move(kept);
  }
  return all;
}

Markup how_it_was_measured(const RunData& run) {
  const std::string where = run.config.device == "cpu" || run.config.device == "reference"
                                ? std::string()
                                : " The run trained on the device " + run.config.device +
                                      ", which keeps the numbers of its own steps to itself: these are of "
                                      "the device's parameters and of "
                                      "the batch that it would draw, and they round otherwise.";
  return element("p",
                 as_text("Each point is of the gradient step that would have come next, made op by op on the "
                         "host beside the training." +
                         where)) +
         "\n";
}

/// The Q-tables of the evaluations, and max Q - V* by cell. Nothing where the file has no table.
struct TablesOverTime {
  std::vector<ValueMoment> values, overestimation;
};
TablesOverTime tables_over_time(const RunData& run, const TabularEnv& grid) {
  const auto steps = run.diagnostics.find("time/total_timesteps");
  const auto actions = static_cast<std::size_t>(grid.spec().num_actions);
  std::vector<const std::vector<double>*> columns;
  for (std::size_t i = 0; i < grid.task().cells.size() * actions; ++i) {
    const auto column = run.diagnostics.find("q/" + std::to_string(i));
    if (column == run.diagnostics.end()) return {};
    columns.push_back(&column->second);
  }
  const ValueErrors exact(grid.task().mdp, run.config);
  TablesOverTime tables;
  for (std::size_t row = 0; steps != run.diagnostics.end() && row < steps->second.size(); ++row) {
    ValueMoment moment = {formatted("after %.0f environment steps", steps->second[row]), {}};
    for (const std::vector<double>* const column : columns) moment.q.push_back((*column)[row]);
    if (std::none_of(moment.q.begin(), moment.q.end(), [](double q) { return std::isfinite(q); })) continue;
    tables.values.push_back(moment);
    moment.shown = exact.overestimation(moment.q);
    tables.overestimation.push_back(std::move(moment));
  }
  return tables;
}

/// Two maps with a slider over training time.
Markup q_over_time(const RunData& run, const TabularEnv& grid) {
  const TablesOverTime tables = tables_over_time(run, grid);
  return value_player("q-over-time", grid.task(), tables.values, "max Q(s, a) over training time",
                      "Value spreads backwards from the goal: watch which cells learn first.") +
         value_player("overestimation-over-time", grid.task(), tables.overestimation,
                      "Overestimation over training time: max Q(s, a) − V*(s)",
                      "Red cells promise more than the best policy can earn, blue ones less. Early blue is "
                      "what has not been learnt yet; red that stays is the bias of the maximum.",
                      {.diverging = true, .most_moments = 40});
}

/// A chart of the columns of diagnostics.csv whose names begin with `prefix`.
struct NetworkChart {
  const char *prefix, *before, *title, *how, *label;
  Scale scale = Scale::kLinear;
};
constexpr NetworkChart kNetworkCharts[] = {
    {"td_error/", "", "Size of the TD errors",
     "Quantiles of |delta| in a batch, from the smallest tenth (p10) to the largest (max). A "
     "maximum far above the rest means that few transitions pull at the network.",
     "|delta|", Scale::kLog10},
    {"batch/", "", "Effective sample size of a batch",
     "(Σ w)² / Σ w² of its importance weights: how many equally weighted transitions the batch is worth. Far "
     "below batch_size, few transitions decide the step: try a smaller per_alpha.",
     "transitions"},
    {"grad_norm/", "", "Norm of each parameter's gradient",
     "Before clipping. A layer that is powers of ten below the others learns nothing.", "norm",
     Scale::kLog10},
    {"weight_norm/", "", "Norm of each parameter",
     "Weights that grow without end, with Q-values that do too, are divergence.", "norm"},
    {"update_ratio/", "", "Way of a gradient step over the size of the weights",
     "About 0.001 is usual. Near 0.1 the network is thrown about; far below 0.00001 it stands still.",
     "ratio", Scale::kLog10},
    {"dead_share/", "layer ", "Dead units",
     "The share of a relu's units that are 0 for a whole batch. They get no gradient, so they stay.",
     "share"},
    {"dormant_share/", "layer ", "Dormant units",
     "The share of a layer's units whose mean activity is at most 2.5 % of the layer's (Sokar et al. 2023). "
     "A share that climbs is capacity that the network no longer uses.",
     "share"},
    {"effective_rank/", "", "Effective rank of the features",
     "How many singular values make 99 % of what the last layer sees in a batch (Kumar et al. 2021). A rank "
     "that falls while the loss does not rise is a network that tells fewer states apart.",
     "rank"},
    {"target_gap/parameters", "‖θ − θ⁻‖", "How far the target network lags in its parameters",
     "The norm of the difference. Between two updates of the target it grows, and each update takes it back: "
     "rows catch it at different moments.",
     "norm"},
    {"target_gap/q", "mean |Q − Q⁻|", "How far the target network lags in Q",
     "The mean over the batch's states and all actions. Compare it with the TD errors: a lag as large as "
     "they "
     "are means that the target is what the network chases.",
     "Q"},
    {"policy_churn/", "", "Policy churn",
     "The share of the batch's states whose greedy action changes: by the single gradient step (step; Schaul "
     "et al. 2022), and against the target network (target). Late in a run it should be near 0.",
     "share"},
    {"value_error/", "", "Distance of Q from the truth",
     "Means over the cells, exact. q_star: |Q − Q*|. q_pi: |Q − Qπ|, π being greedy in Q. over_q_star and "
     "over_q_pi: max Q − V* and max Q − Vπ, above 0 where the network promises too much. regret: V* − Vπ, "
     "what the policy loses. A regret of 0 beside large errors is usual: only the order of Q must be right.",
     "value"},
};

}  // namespace

Markup network_section(const RunData& run) {
  Markup text;
  for (const NetworkChart& chart : kNetworkCharts)
    text += line_chart({chart.title, chart.how, "environment steps", chart.label},
                       thinned(series_with(run, chart.prefix, chart.before)), Scale::kLinear, chart.scale);
  const std::unique_ptr<Env> env = make_env(run.config.env);
  if (const TabularEnv* const grid = as_tabular(*env)) text += q_over_time(run, *grid);
  return text.empty() ? text : section("network", "Inside the network", how_it_was_measured(run) + text);
}

std::vector<std::string> network_verdicts(const RunData& run) {
  std::vector<std::string> verdicts;
  for (const Series& layer : series_with(run, "dead_share/")) {
    // Since when without a break, to the end.
    double since = std::nan(""), last = 0;
    for (const ChartPoint& point : layer.points) {
      if (!std::isfinite(point.y)) continue;
      last = point.y;
      if (point.y <= 0.5)
        since = std::nan("");
      else if (std::isnan(since))
        since = point.x;
    }
    if (std::isfinite(since))
      verdicts.push_back("layer " + layer.name + ": " + formatted("%.0f", 100 * last) +
                         " % dead ReLUs, more than half since step " + with_separators(std::llround(since)) +
                         ". Try a smaller learning_rate.");
  }
  for (const Series& tensor : series_with(run, "update_ratio/")) {
    std::vector<double> ratios;
    for (const ChartPoint& point : tensor.points)
      if (std::isfinite(point.y)) ratios.push_back(point.y);
    if (ratios.size() < 3 || !tensor.name.ends_with("weight")) continue;
    std::sort(ratios.begin(), ratios.end());
    const double median = ratios[ratios.size() / 2];
    if (median > 0.03)
      verdicts.push_back(tensor.name + ": a gradient step moves it by " + formatted("%.2g", median) +
                         " of its size, which is much. Try a smaller learning_rate, or max_grad_norm.");
    if (median < 1e-7)
      verdicts.push_back(tensor.name + ": a gradient step moves it by " + formatted("%.1g", median) +
                         " of its size, which is next to nothing. Try a larger learning_rate.");
  }
  return verdicts;
}

}  // namespace bellman
