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

namespace bellman {
namespace {

/// The columns whose names begin so, a series each.
std::vector<Series> series_with(const RunData& run, std::string_view prefix, std::string_view before = "") {
  std::vector<Series> all;
  const auto steps = run.diagnostics.find("time/total_timesteps");
  if (steps == run.diagnostics.end()) return all;
  for (const auto& [name, values] : run.diagnostics) {
    if (!name.starts_with(prefix)) continue;
    Series series = {std::string(before) + name.substr(prefix.size()), {}};
    for (std::size_t i = 0; i < values.size(); ++i)
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

/// The maps of max Q at each evaluation, with a slider over training time.
Markup q_over_time(const RunData& run, const TabularEnv& grid) {
  const auto steps = run.diagnostics.find("time/total_timesteps");
  const GridTask& task = grid.task();
  const auto actions = static_cast<std::size_t>(grid.spec().num_actions);
  const std::size_t cells = task.cells.size();
  std::vector<const std::vector<double>*> columns;
  for (std::size_t i = 0; i < cells * actions; ++i) {
    const auto column = run.diagnostics.find("q/" + std::to_string(i));
    if (column == run.diagnostics.end()) return {};
    columns.push_back(&column->second);
  }
  std::vector<ValueMoment> moments;  // the rows that have a Q-table
  for (std::size_t row = 0; row < steps->second.size(); ++row) {
    ValueMoment moment = {formatted("after %.0f environment steps", steps->second[row]), {}};
    for (const std::vector<double>* const column : columns) moment.q.push_back((*column)[row]);
    if (std::any_of(moment.q.begin(), moment.q.end(), [](double q) { return std::isfinite(q); }))
      moments.push_back(std::move(moment));
  }
  return value_player("q-over-time", task, moments, "max Q(s, a) over training time",
                      "Value spreads backwards from the goal: watch which cells learn first.");
}

}  // namespace

Markup network_section(const RunData& run) {
  Markup text;
  text +=
      line_chart({"Size of the TD errors",
                  "Quantiles of |delta| in a batch, from the smallest tenth (p10) to the largest (max). A "
                  "maximum far above the rest means that few transitions pull at the network.",
                  "environment steps", "|delta|"},
                 thinned(series_with(run, "td_error/")), Scale::kLinear, Scale::kLog10);
  text += line_chart({"Norm of each parameter's gradient",
                      "Before clipping. A layer that is powers of ten below the others learns nothing.",
                      "environment steps", "norm"},
                     thinned(series_with(run, "grad_norm/")), Scale::kLinear, Scale::kLog10);
  text += line_chart(
      {"Norm of each parameter", "Weights that grow without end, with Q-values that do too, are divergence.",
       "environment steps", "norm"},
      thinned(series_with(run, "weight_norm/")));
  text += line_chart(
      {"Way of a gradient step over the size of the weights",
       "About 0.001 is usual. Near 0.1 the network is thrown about; far below 0.00001 it stands still.",
       "environment steps", "ratio"},
      thinned(series_with(run, "update_ratio/")), Scale::kLinear, Scale::kLog10);
  text += line_chart(
      {"Dead units",
       "The share of a relu's units that are 0 for a whole batch. They get no gradient, so they stay.",
       "environment steps", "share"},
      thinned(series_with(run, "dead_share/", "layer ")));
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
