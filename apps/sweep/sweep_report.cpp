#include "apps/sweep/sweep_report.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <sstream>
#include <string_view>

#include "apps/base/table.h"
#include "apps/base/terminal.h"
#include "apps/run/progress_bar.h"
#include "core/base/text.h"

namespace bellman {
namespace {

constexpr std::size_t kResamples = 2000;
constexpr std::uint64_t kBootstrapSeed = 1;
constexpr double kNever = std::numeric_limits<double>::infinity();

/// "-" where there is nothing to say, here and below.
std::string number_or_minus(double value) { return std::isnan(value) ? "-" : short_number(value); }

std::string formatted_or_minus(const char* format, double value) {
  return std::isnan(value) ? "-" : formatted(format, value);
}

std::string interval_text(const Interval& interval) {
  return std::isnan(interval.low) ? "-"
                                  : number_or_minus(interval.low) + " to " + number_or_minus(interval.high);
}

std::string percent_range(const Interval& shares) {
  return std::isnan(shares.low) ? "-"
                                : formatted_or_minus("%.0f", 100 * shares.low) + " to " +
                                      formatted_or_minus("%.0f", 100 * shares.high);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// A column of the table; those of the highest rank are the first to go when room is short.
struct Column {
  std::string heading;
  int rank;
  std::function<std::string(const VariantSummary&)> cell;
};

std::vector<Column> columns_of(const SweepPlan& plan) {
  const std::string of = "/" + std::to_string(plan.seeds.size());
  const auto median_solves = [](const VariantSummary& s) { return std::isfinite(s.median_steps_to_solve); };
  return {
      {"runs", 2, [=](const VariantSummary& s) { return std::to_string(s.finished) + of; }},
      {"mean", 4, [](const VariantSummary& s) { return number_or_minus(s.mean); }},
      {"std", 5, [](const VariantSummary& s) { return number_or_minus(s.std); }},
      {"IQM", 0, [](const VariantSummary& s) { return number_or_minus(s.iqm); }},
      {"95 % interval", 3, [](const VariantSummary& s) { return interval_text(s.interval); }},
      {"solved", 1, [](const VariantSummary& s) { return formatted_or_minus("%.0f %%", 100 * s.solved); }},
      {"95 % bounds", 6, [](const VariantSummary& s) { return percent_range(s.solved_bounds); }},
      {"steps", 7,
       [=](const VariantSummary& s) {
         return median_solves(s) ? with_separators(std::llround(s.median_steps_to_solve)) : "-";
       }},
      {"seconds", 8,
       [=](const VariantSummary& s) {
         return median_solves(s) ? formatted_or_minus("%.2f", s.median_seconds_to_solve) : "-";
       }},
  };
}

/// What stands before the columns of each variant.
struct Labels {
  std::string heading;
  std::vector<std::string> of_variants;
};

/// "learning_rate=0.001" under "settings".
Labels whole_labels(const SweepPlan& plan) {
  Labels labels{"settings", {}};
  for (const SweepVariant& variant : plan.variants) labels.of_variants.push_back(variant.label);
  return labels;
}

/// "0.001" under "learning_rate".
Labels short_labels(const SweepPlan& plan) {
  if (plan.grid.empty()) return whole_labels(plan);
  const auto joined = [](std::string text, const std::string& part) {
    return text.empty() ? part : text + ", " + part;
  };
  Labels labels{"", {}};
  for (const Setting* setting : plan.grid) labels.heading = joined(labels.heading, file_key(*setting));
  for (const SweepVariant& variant : plan.variants) {
    std::string label;
    for (const std::string& value : variant.values) label = joined(label, value);
    labels.of_variants.push_back(label);
  }
  return labels;
}

std::string shortened(const std::string& text, std::size_t width) {
  constexpr std::string_view kMore = "..";
  if (characters(text) <= width) return text;
  return std::string(cut(text, width - std::min(width, kMore.size()))).append(cut(kMore, width));
}

Labels cut_labels(Labels labels, std::size_t width) {
  labels.heading = shortened(labels.heading, width);
  for (std::string& label : labels.of_variants) label = shortened(label, width);
  return labels;
}

std::vector<std::string> rows_of(const Labels& labels, const std::vector<Column>& columns,
                                 const std::vector<VariantSummary>& summaries) {
  std::vector<std::string> headings = {labels.heading};
  std::vector<Align> alignment = {Align::kLeft};
  for (const Column& column : columns) {
    headings.push_back(column.heading);
    alignment.push_back(Align::kRight);
  }
  Table table(headings, alignment);
  for (std::size_t v = 0; v < summaries.size(); ++v) {
    std::vector<std::string> row = {labels.of_variants[v]};
    for (const Column& column : columns) row.push_back(column.cell(summaries[v]));
    table.add(row);
  }
  return lines_of(table.text());
}

std::size_t width_of(const std::vector<std::string>& lines) {
  std::size_t width = 0;
  for (const std::string& line : lines) width = std::max(width, characters(line));
  return width;
}
}  // namespace

VariantSummary summarise(std::span<const SweepRun> runs) {
  std::vector<double> returns, steps, seconds;
  VariantSummary summary;
  for (const SweepRun& run : runs) {
    if (!is_over(run)) continue;
    const bool finished = run.state == RunState::kFinished;
    if (finished) returns.push_back(run.result.eval.mean);
    summary.failed += !finished;
    const bool solved = finished && run.result.solved_at_timestep.has_value();
    steps.push_back(solved ? static_cast<double>(*run.result.solved_at_timestep) : kNever);
    seconds.push_back(solved ? run.result.seconds_to_solve : kNever);
    summary.solved += solved;
  }
  summary.finished = returns.size();
  summary.solved_bounds = clopper_pearson(static_cast<std::size_t>(summary.solved), steps.size());
  summary.solved /= static_cast<double>(steps.size());
  summary.mean = mean(returns);
  summary.std = standard_deviation(returns);
  summary.iqm = interquartile_mean(returns);
  summary.interval = bootstrap_interval(returns, interquartile_mean, kResamples, kBootstrapSeed);
  summary.median_steps_to_solve = median(steps);
  summary.median_seconds_to_solve = median(seconds);
  return summary;
}

std::vector<VariantSummary> summarise(const SweepPlan& plan, const std::vector<SweepRun>& runs) {
  std::vector<VariantSummary> summaries;
  for (std::size_t v = 0; v < plan.variants.size(); ++v)
    summaries.push_back(summarise(runs_of(plan, runs, v)));
  return summaries;
}

std::string sweep_title(const SweepPlan& plan) {
  std::vector<std::string> ids;
  for (const SweepVariant& variant : plan.variants)
    if (std::find(ids.begin(), ids.end(), variant.resolved.config.env.id) == ids.end())
      ids.push_back(variant.resolved.config.env.id);
  std::string title;
  for (const std::string& id : ids) title += (title.empty() ? "" : ", ") + id;
  return title + ": " + counted(plan.variants.size(), "setting") + ", " + counted(plan.seeds.size(), "seed");
}

std::vector<std::string> sweep_table(const SweepPlan& plan, const std::vector<VariantSummary>& summaries,
                                     std::size_t width) {
  const Labels whole = whole_labels(plan), brief = short_labels(plan);
  Labels narrow = brief;  // as wide as its longest value
  narrow.heading = shortened(narrow.heading, std::max<std::size_t>(width_of(narrow.of_variants), 8));
  std::vector<Column> columns = columns_of(plan);
  constexpr std::size_t kMostBesideCutLabels = 3, kLeastLabel = 12;
  for (;;) {
    for (const Labels& labels : {whole, brief, narrow}) {
      std::vector<std::string> rows = rows_of(labels, columns, summaries);
      if (width_of(rows) <= width) return rows;
    }
    const std::size_t numbers = width_of(rows_of(cut_labels(brief, 0), columns, summaries));
    if (columns.size() <= kMostBesideCutLabels && (width >= numbers + kLeastLabel || columns.size() == 1)) {
      std::vector<std::string> rows =
          rows_of(cut_labels(brief, width - std::min(width, numbers)), columns, summaries);
      for (std::string& row : rows) row = cut(row, width);
      return rows;
    }
    columns.erase(std::max_element(columns.begin(), columns.end(),
                                   [](const Column& a, const Column& b) { return a.rank < b.rank; }));
  }
}

std::string few_seeds_warning(const SweepPlan& plan) {
  constexpr std::size_t kEnough = 10;
  if (plan.seeds.size() >= kEnough) return "";
  return "Warning: " + counted(plan.seeds.size(), "seed") + " a setting " +
         (plan.seeds.size() == 1 ? "is" : "are") + " few. With fewer than " + std::to_string(kEnough) +
         ", intervals and differences between settings say little.";
}

}  // namespace bellman
