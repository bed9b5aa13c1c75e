#include "apps/sweep/sweep_report.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>
#include <string_view>

#include "apps/base/numbers.h"
#include "apps/base/terminal.h"
#include "apps/page/chart.h"
#include "apps/page/page.h"
#include "apps/sweep/comparison_report.h"
#include "apps/sweep/sweep_chart.h"
#include "apps/sweep/sweep_files.h"
#include "core/base/text.h"

namespace bellman {
namespace {

/// "-" where there is no value, here and below.
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

/// A column of the table. Columns of the highest rank are left out first.
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

/// The first column.
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
  Labels labels{"", {}};
  for (const Setting* setting : plan.grid)
    labels.heading += (labels.heading.empty() ? "" : ", ") + file_key(*setting);
  for (const SweepVariant& variant : plan.variants) labels.of_variants.push_back(brief_label(variant));
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

/// "–" where there is no value, here and below.
std::string number_or_dash(double value) { return std::isfinite(value) ? short_number(value) : "–"; }

std::string formatted_or_dash(const char* format, double value) {
  return std::isfinite(value) ? formatted(format, value) : "–";
}

Markup summary_table(const SweepPlan& plan, const std::vector<VariantSummary>& summaries) {
  std::vector<std::vector<Markup>> rows = {
      text_cells({"settings", "runs", "mean ± std", "IQM", "95 % interval", "solved (95 % bounds)",
                  "steps to solve", "seconds"})};
  for (std::size_t v = 0; v < summaries.size(); ++v) {
    const VariantSummary& s = summaries[v];
    const std::string spread = std::isfinite(s.std) ? " ± " + number_or_dash(s.std) : "";
    const std::string solved = formatted_or_dash("%.0f %%", 100 * s.solved) + " (" +
                               formatted_or_dash("%.0f", 100 * s.solved_bounds.low) + " to " +
                               formatted_or_dash("%.0f", 100 * s.solved_bounds.high) + ")";
    const std::string interval = number_or_dash(s.interval.low) + " to " + number_or_dash(s.interval.high);
    const std::string steps =
        std::isfinite(s.median_steps_to_solve) ? with_separators(std::llround(s.median_steps_to_solve)) : "–";
    rows.push_back({series_key(v) + as_text(plan.variants[v].label),
                    as_text(std::to_string(s.finished) + " of " + std::to_string(plan.seeds.size())),
                    as_text(number_or_dash(s.mean) + spread), as_text(number_or_dash(s.iqm)),
                    as_text(s.finished > 0 ? interval : number_or_dash(s.interval.low)),
                    as_text(std::isfinite(s.solved) ? solved : number_or_dash(s.solved)), as_text(steps),
                    as_text(formatted_or_dash("%.2f", s.median_seconds_to_solve))});
  }
  return table(rows);
}

/// A table whose cells are words.
Markup worded(const Markup& table) { return element("div", {{"class", "text"}}, table); }

/// Every setting but the seed; of one that differs between variants all values, in their order.
Markup settings_list(const SweepPlan& plan) {
  std::vector<std::vector<std::string>> rows = {{"setting", "value"}};
  for (const Setting& setting : settings()) {
    if (setting.key == "seed") continue;
    std::vector<std::string> values;
    for (const SweepVariant& variant : plan.variants) {
      const std::string value = value_text(variant.resolved.config, setting);
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
    std::string all;
    for (std::size_t i = 0; i < values.size(); ++i) all += (i == 0 ? "" : " | ") + values[i];
    rows.push_back({file_key(setting), all});
  }
  return folded("All settings", worded(text_table(rows)));
}

Markup code(const std::string& text) { return element("code", as_text(text)); }

/// The commands that train the runs again, and the best runs.
Markup commands(const SweepPlan& plan, const std::vector<SweepRun>& runs) {
  Markup best;
  for (const auto& [env_id, run] : best_runs(plan, runs))
    best += element("p", as_text("Best run: " + run_name(plan, run) + ". Its model is ") +
                             code(best_model_path("", env_id).string()) + "; " +
                             code(run_command(plan, run)) + " trains it again.") +
            "\n";
  std::vector<std::vector<Markup>> rows = {text_cells({"settings", "command"})};
  for (const SweepVariant& variant : plan.variants)
    rows.push_back({as_text(variant.label), code(variant.command + " --seed N")});
  return best + folded("The commands that train these runs again, N a seed", worded(table(rows)));
}

/// The errors of failed runs; empty when none failed.
Markup failures(const SweepPlan& plan, const std::vector<SweepRun>& runs) {
  Markup items;
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (runs[i].state == RunState::kFailed)
      items += element("li", as_text(run_name(plan, i) + ": " + runs[i].error)) + "\n";
  return items.empty() ? items : section("failed", "Failed runs", element("ul", "\n" + items));
}

}  // namespace

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

std::string failed_runs_note(const std::vector<SweepRun>& runs) {
  const auto failed = static_cast<std::size_t>(std::count_if(
      runs.begin(), runs.end(), [](const SweepRun& run) { return run.state == RunState::kFailed; }));
  if (failed == 0) return "";
  return counted(failed, "run") + " failed, and " + (failed == 1 ? "counts" : "count") +
         " as not solved. Means, intervals, P(better) and profiles are of the other runs.";
}

std::string sweep_page(const SweepPlan& plan, const std::vector<SweepRun>& runs, double seconds) {
  Markup chart = sweep_chart(plan, runs);
  if (chart.empty())
    chart = element("p", Markup("No run was evaluated while it trained (eval_frequency is 0).")) + "\n";
  Markup caution;
  for (const std::string& warning : {failed_runs_note(runs), few_seeds_warning(plan)})
    if (!warning.empty()) caution += element("p", {{"class", "warning"}}, as_text(warning)) + "\n";
  const std::string reading =
      "The table is of the final evaluations. The standard deviation is a sample's (n - 1). Intervals are 95 "
      "% "
      "of a percentile bootstrap over the seeds. The bounds of the share of runs that solved it are those of "
      "Clopper and Pearson, at 95 %. Steps and seconds are medians. Trained in " +
      duration_text(seconds) + ".";
  return page(sweep_title(plan), chart + summary_table(plan, summarise(plan, runs)) +
                                     element("p", as_text(reading)) + "\n" + caution +
                                     comparison_sections(plan, runs) + failures(plan, runs) +
                                     commands(plan, runs) + settings_list(plan));
}

}  // namespace bellman
