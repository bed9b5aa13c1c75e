#include "apps/sweep/sweep_report.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>
#include <string_view>

#include "apps/base/numbers.h"
#include "apps/base/terminal.h"
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

constexpr std::string_view kPageStyle = R"(
:root { color-scheme: light dark; --ink: #1a1a1a; --faint: #5f5f5f; --line: #d8d8d8; --paper: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --faint: #a8a8a8; --line: #3a3a3a; --paper: #151515; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1000px;
       margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; } p { color: var(--faint); } p.warning { color: var(--ink); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; white-space: nowrap; padding: .3rem .5rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
@media (max-width: 720px) { td:first-child { white-space: normal; min-width: 9em; } }
.text td { text-align: left; white-space: normal; } details { margin-top: 1rem; }
.scroll { overflow-x: auto; }
)";

std::string escape(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else
      result += c;
  }
  return result;
}

/// "–" where there is no value, here and below.
std::string number_or_dash(double value) { return std::isfinite(value) ? short_number(value) : "–"; }

std::string formatted_or_dash(const char* format, double value) {
  return std::isfinite(value) ? formatted(format, value) : "–";
}

std::string html_table(const SweepPlan& plan, const std::vector<VariantSummary>& summaries) {
  std::string rows;
  for (std::size_t v = 0; v < summaries.size(); ++v) {
    const VariantSummary& s = summaries[v];
    const std::string spread = std::isfinite(s.std) ? " ± " + number_or_dash(s.std) : "";
    const std::string solved = formatted_or_dash("%.0f %%", 100 * s.solved) + " (" +
                               formatted_or_dash("%.0f", 100 * s.solved_bounds.low) + " to " +
                               formatted_or_dash("%.0f", 100 * s.solved_bounds.high) + ")";
    const std::string interval = number_or_dash(s.interval.low) + " to " + number_or_dash(s.interval.high);
    rows += "<tr><td>" + chart_key(v) + escape(plan.variants[v].label) + "</td><td>" +
            std::to_string(s.finished) + " of " + std::to_string(plan.seeds.size()) + "</td><td>" +
            number_or_dash(s.mean) + spread + "</td><td>" + number_or_dash(s.iqm) + "</td><td>" +
            (s.finished > 0 ? interval : number_or_dash(s.interval.low)) + "</td><td>" +
            (std::isfinite(s.solved) ? solved : number_or_dash(s.solved)) + "</td><td>" +
            (std::isfinite(s.median_steps_to_solve) ? with_separators(std::llround(s.median_steps_to_solve))
                                                    : "–") +
            "</td><td>" + formatted_or_dash("%.2f", s.median_seconds_to_solve) + "</td></tr>\n";
  }
  return "<div class=\"scroll\"><table>\n<tr><th>settings</th><th>runs</th><th>mean ± std</th><th>IQM</th>"
         "<th>95 % interval</th><th>solved (95 % bounds)</th><th>steps to "
         "solve</th><th>seconds</th></tr>\n" +
         rows + "</table></div>\n";
}

/// Every setting but the seed; of one that differs between variants all values, in their order.
std::string settings_list(const SweepPlan& plan) {
  std::string rows;
  for (const Setting& setting : settings()) {
    if (setting.key == "seed") continue;
    std::vector<std::string> values;
    for (const SweepVariant& variant : plan.variants) {
      const std::string value = value_text(variant.resolved.config, setting);
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
    rows += "<tr><td>" + file_key(setting) + "</td><td>";
    for (std::size_t i = 0; i < values.size(); ++i) rows += (i == 0 ? "" : " | ") + escape(values[i]);
    rows += "</td></tr>\n";
  }
  return "<details><summary>All settings</summary>\n<table class=\"text\">\n" + rows + "</table></details>\n";
}

/// The commands that train the runs again, and the best runs.
std::string commands(const SweepPlan& plan, const std::vector<SweepRun>& runs) {
  std::string text;
  for (const auto& [env_id, run] : best_runs(plan, runs))
    text += "<p>Best run: " + escape(run_name(plan, run)) + ". Its model is <code>" +
            escape(best_model_path("", env_id).string()) + "</code>; <code>" +
            escape(run_command(plan, run)) + "</code> trains it again.</p>\n";
  std::string rows;
  for (const SweepVariant& variant : plan.variants)
    rows += "<tr><td>" + escape(variant.label) + "</td><td><code>" + escape(variant.command) +
            " --seed N</code></td></tr>\n";
  return text +
         "<details><summary>The commands that train these runs again, N a seed</summary>\n<table "
         "class=\"text\">\n" +
         rows + "</table></details>\n";
}

/// The errors of failed runs; empty when none failed.
std::string failures(const SweepPlan& plan, const std::vector<SweepRun>& runs) {
  std::string rows;
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (runs[i].state == RunState::kFailed)
      rows += "<li>" + escape(run_name(plan, i)) + ": " + escape(runs[i].error) + "</li>\n";
  return rows.empty() ? "" : "<h2>Failed runs</h2>\n<ul>\n" + rows + "</ul>\n";
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

std::string sweep_page(const SweepPlan& plan, const std::vector<SweepRun>& runs, double seconds) {
  std::string chart = sweep_chart(plan, runs);
  if (chart.empty()) chart = "<p>No run was evaluated while it trained (eval_frequency is 0).</p>\n";
  std::string warning = few_seeds_warning(plan);
  if (!warning.empty()) warning = "<p class=\"warning\">" + escape(warning) + "</p>\n";
  const std::string title = escape(sweep_title(plan));
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width\"><title>" +
         title + "</title><style>" + std::string(kPageStyle) + std::string(chart_style()) +
         "</style></head><body>\n<h1>" + title + "</h1>\n" + chart + html_table(plan, summarise(plan, runs)) +
         warning + failures(plan, runs) + commands(plan, runs) + settings_list(plan) +
         "<p>Curves: interquartile mean over the seeds of the evaluations during training; a run that ended "
         "early keeps its last one. Bands and intervals: 95 % of a percentile bootstrap over the seeds. "
         "Table: the final evaluations; std is a sample's (n - 1); the bounds of the share of runs that "
         "solved it are those of Clopper and Pearson, at 95 %; steps and seconds are medians. Trained in " +
         duration_text(seconds) + ".</p>\n</body></html>\n";
}

}  // namespace bellman
