// sweep.html: one file that a browser shows without the network. The chart is inline SVG.
#include <algorithm>
#include <cmath>
#include <string_view>

#include "apps/run/progress_bar.h"
#include "apps/sweep/sweep_best.h"
#include "apps/sweep/sweep_chart.h"
#include "apps/sweep/sweep_report.h"
#include "core/base/text.h"

namespace bellman {
namespace {

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

/// "–" where there is nothing to say, here and below.
std::string number_or_dash(double value) { return std::isfinite(value) ? short_number(value) : "–"; }

std::string formatted_or_dash(const char* format, double value) {
  return std::isfinite(value) ? formatted(format, value) : "–";
}

std::string table(const SweepPlan& plan, const std::vector<VariantSummary>& summaries) {
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

/// Every setting; of one that differs between variants all values, in their order. The seed is a run's own.
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

/// What trains a run of each setting again, and whose model is kept.
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

/// Why runs failed; nothing when none did.
std::string failures(const SweepPlan& plan, const std::vector<SweepRun>& runs) {
  std::string rows;
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (runs[i].state == RunState::kFailed)
      rows += "<li>" + escape(run_name(plan, i)) + ": " + escape(runs[i].error) + "</li>\n";
  return rows.empty() ? "" : "<h2>Failed runs</h2>\n<ul>\n" + rows + "</ul>\n";
}

}  // namespace

std::string sweep_page(const SweepPlan& plan, const std::vector<SweepRun>& runs, double seconds) {
  std::string chart = sweep_chart(plan, runs);
  if (chart.empty()) chart = "<p>No run was evaluated while it trained (eval_frequency is 0).</p>\n";
  std::string warning = few_seeds_warning(plan);
  if (!warning.empty()) warning = "<p class=\"warning\">" + escape(warning) + "</p>\n";
  const std::string title = escape(sweep_title(plan));
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width\"><title>" +
         title + "</title><style>" + std::string(kPageStyle) + std::string(chart_style()) +
         "</style></head><body>\n<h1>" + title + "</h1>\n" + chart + table(plan, summarise(plan, runs)) +
         warning + failures(plan, runs) + commands(plan, runs) + settings_list(plan) +
         "<p>Curves: interquartile mean over the seeds of the evaluations during training; a run that ended "
         "early keeps its last one. Bands and intervals: 95 % of a percentile bootstrap over the seeds. "
         "Table: the "
         "final evaluations; std is a sample's (n - 1); the bounds of the share of runs that solved it are "
         "those "
         "of Clopper and Pearson, at 95 %; steps and seconds are medians. Trained in " +
         duration_text(seconds) + ".</p>\n</body></html>\n";
}

}  // namespace bellman
