#include "apps/sweep/comparison_report.h"

#include <algorithm>
#include <cmath>

#include "apps/base/numbers.h"
#include "apps/base/terminal.h"
#include "apps/page/chart.h"
#include "apps/page/page.h"
#include "core/base/text.h"

namespace bellman {
namespace {

/// With a sign, as a difference is written; "-" where there is none.
std::string signed_number(double value) {
  if (std::isnan(value)) return "-";
  return (value > 0 ? "+" : "") + short_number(value);
}

std::string signed_interval(const Interval& interval) {
  return std::isnan(interval.low) ? "-" : signed_number(interval.low) + " to " + signed_number(interval.high);
}

std::string share_text(double share) { return std::isnan(share) ? "-" : formatted("%.2f", share); }

std::string share_interval(const Interval& interval) {
  return std::isnan(interval.low) ? "-" : share_text(interval.low) + " to " + share_text(interval.high);
}

using Comparisons = std::vector<std::optional<VariantComparison>>;

bool has_pairs(const Comparisons& comparisons) {
  return std::any_of(comparisons.begin(), comparisons.end(), [](const std::optional<VariantComparison>& c) {
    return c && c->scores.front().pairs > 0;
  });
}

using LabelOf = std::string (*)(const SweepVariant& variant);
std::string whole_label(const SweepVariant& variant) { return variant.label; }

/// "gamma=0.99 - gamma=0.9" where the sweep has several baselines, otherwise the label alone.
std::string compared_label(const SweepPlan& plan, std::size_t variant, std::size_t baseline,
                           LabelOf label_of = whole_label) {
  const std::string label = label_of(plan.variants[variant]);
  return baseline == plan.baseline ? label : label + " - " + label_of(plan.variants[baseline]);
}

Markup cell_of(const std::string& value, const std::string& interval) {
  return as_text(value == "-" ? "–" : value + (interval == "-" ? "" : " (" + interval + ")"));
}

/// A row a setting and score: beside each other they would need more than a window's width.
Markup differences_section(const SweepPlan& plan, const Comparisons& comparisons) {
  if (!has_pairs(comparisons)) return {};
  std::vector<std::vector<Markup>> rows = {
      text_cells({"settings", "score", "pairs", "difference (95 % interval)", "P(better) (95 % interval)"})};
  for (std::size_t v = 0; v < comparisons.size(); ++v) {
    if (!comparisons[v]) continue;
    const std::string label = compared_label(plan, v, comparisons[v]->baseline);
    for (std::size_t i = 0; i < comparisons[v]->scores.size(); ++i) {
      const ScoreComparison& score = comparisons[v]->scores[i];
      rows.push_back({i == 0 ? series_key(v) + as_text(label) : Markup(), as_text(sweep_scores()[i].name),
                      as_text(std::to_string(score.pairs)),
                      cell_of(signed_number(score.difference), signed_interval(score.difference_interval)),
                      cell_of(share_text(score.improvement), share_interval(score.improvement_interval))});
    }
  }
  const Markup reading = element(
      "p",
      Markup(
          "Differences are means over the seeds that both have, seed by seed. P(better) is the probability "
          "that a run of the setting has a larger return than one of the baseline, whatever their seeds; "
          "0.5 is no difference. In brackets: 95 % of a percentile bootstrap over the seeds. An interval of "
          "differences without 0 speaks for a difference; of many settings a few have one by chance."));
  return section("comparison", "Each setting beside " + plan.variants[plan.baseline].label,
                 table(rows) + reading + "\n");
}

Markup scores_section(const SweepPlan& plan, const std::vector<SweepRun>& runs) {
  std::vector<std::string> headings = {"settings"};
  for (const SweepScore& score : sweep_scores()) headings.emplace_back(score.name);
  std::vector<std::vector<Markup>> rows = {text_cells(headings)};
  bool has_any = false;
  for (std::size_t v = 0; v < plan.variants.size(); ++v) {
    std::vector<Markup> row = {series_key(v) + as_text(plan.variants[v].label)};
    for (const SweepScore& score : sweep_scores()) {
      std::vector<double> values = scores_of(plan, runs, v, score);
      std::erase_if(values, [](double value) { return std::isnan(value); });
      has_any = has_any || !values.empty();
      const double spread = standard_deviation(values);
      row.push_back(as_text((values.empty() ? "–" : short_number(mean(values))) +
                            (std::isfinite(spread) ? " ± " + short_number(spread) : "")));
    }
    rows.push_back(row);
  }
  if (!has_any) return {};
  const std::string note = unrecorded_note(runs);
  const Markup reading = element(
      "p",
      Markup(
          "Mean ± standard deviation over the seeds. Kept network: its final evaluation. Last network: its "
          "evaluation at the last step of training, of eval_episodes episodes. The kept one is the best of a "
          "run where keep_best is on, so a gap between the two is what that choice brings. Area under the "
          "curve: the mean of the learning curve over the steps. Training: the mean return of a run's last "
          "100 training episodes, exploration included. It is low for a run that stopped when it had solved "
          "its task: most of its last 100 episodes are from before."));
  return section("scores", "Scores of the runs",
                 table(rows) + reading + "\n" +
                     (note.empty() ? Markup() : element("p", {{"class", "warning"}}, as_text(note)) + "\n"));
}

constexpr std::size_t kUnlimited = static_cast<std::size_t>(-1), kLeastLabel = 12;

/// The table of text with labels of at most `most` characters.
std::string comparison_rows(const SweepPlan& plan, const Comparisons& comparisons, LabelOf label_of,
                            std::size_t most) {
  Table rows({std::string(cut("beside " + label_of(plan.variants[plan.baseline]), most)), "pairs",
              "difference", "95 % interval", "P(better)", "95 % interval"},
             {Align::kLeft, Align::kRight, Align::kRight, Align::kRight, Align::kRight, Align::kRight});
  for (std::size_t v = 0; v < comparisons.size(); ++v) {
    if (!comparisons[v]) continue;
    const ScoreComparison& kept = comparisons[v]->scores.front();
    rows.add({std::string(cut(compared_label(plan, v, comparisons[v]->baseline, label_of), most)),
              std::to_string(kept.pairs), signed_number(kept.difference),
              signed_interval(kept.difference_interval), share_text(kept.improvement),
              share_interval(kept.improvement_interval)});
  }
  return rows.text();
}

/// For a narrow terminal: a paragraph a setting, a line a number.
std::string comparison_paragraphs(const SweepPlan& plan, const Comparisons& comparisons, std::size_t width) {
  std::string text =
      std::string(cut("beside " + brief_label(plan.variants[plan.baseline]), width)).append("\n");
  for (std::size_t v = 0; v < comparisons.size(); ++v) {
    if (!comparisons[v]) continue;
    const ScoreComparison& kept = comparisons[v]->scores.front();
    const std::string label = compared_label(plan, v, comparisons[v]->baseline, brief_label);
    text.append(cut(label, width)).append("\n");
    Table numbers({"  pairs", std::to_string(kept.pairs)}, {Align::kLeft, Align::kLeft});
    numbers.add({"  difference", signed_number(kept.difference)});
    numbers.add({"  95 % interval", signed_interval(kept.difference_interval)});
    numbers.add({"  P(better)", share_text(kept.improvement)});
    numbers.add({"  95 % interval", share_interval(kept.improvement_interval)});
    text += numbers.text();
  }
  return text;
}

/// A chart for each environment: returns of two have no common axis.
Markup profile_section(const SweepPlan& plan, const std::vector<SweepRun>& runs) {
  const std::vector<std::vector<ProfilePoint>> profiles = performance_profiles(plan, runs);
  std::vector<std::string> env_ids;
  for (const SweepVariant& variant : plan.variants)
    if (std::find(env_ids.begin(), env_ids.end(), variant.resolved.config.env.id) == env_ids.end())
      env_ids.push_back(variant.resolved.config.env.id);
  Markup charts;
  for (const std::string& env_id : env_ids) {
    std::vector<Series> series;
    for (std::size_t v = 0; v < profiles.size(); ++v) {
      Series of_variant{plan.variants[v].label, {}};  // empty for another environment: colours are by place
      if (plan.variants[v].resolved.config.env.id == env_id)
        for (const ProfilePoint& p : profiles[v])
          of_variant.points.push_back({p.tau, p.share, p.interval.low, p.interval.high});
      series.push_back(of_variant);
    }
    charts += line_chart(
        {(env_ids.size() > 1 ? env_id + ": share" : std::string("Share")) + " of runs above a return",
         "A line is the share of a setting's runs whose kept network has a return above the "
         "threshold. A line that is nowhere below another is the better one; its height at the "
         "threshold of a solved task is the share that solves it. A band holds 95 % of a "
         "percentile bootstrap over the seeds.",
         "threshold of the return",
         "share of runs above it",
         false,
         {},
         /*x_has_zero=*/false},
        series);
  }
  return charts.empty() ? charts : section("profiles", "Performance profiles", charts);
}

}  // namespace

std::string comparison_text(const SweepPlan& plan, const std::vector<SweepRun>& runs, std::size_t width) {
  const Comparisons comparisons = compare_variants(plan, runs);
  if (!has_pairs(comparisons)) return "";
  const auto width_of = [](const std::string& table) {
    return characters(table.substr(0, table.find('\n')));
  };
  for (const LabelOf label_of : {whole_label, brief_label})
    if (std::string table = comparison_rows(plan, comparisons, label_of, kUnlimited);
        width_of(table) <= width)
      return table;
  const std::size_t numbers = width_of(comparison_rows(plan, comparisons, brief_label, 0));
  return numbers + kLeastLabel <= width ? comparison_rows(plan, comparisons, brief_label, width - numbers)
                                        : comparison_paragraphs(plan, comparisons, width);
}

Markup comparison_sections(const SweepPlan& plan, const std::vector<SweepRun>& runs) {
  return differences_section(plan, compare_variants(plan, runs)) + scores_section(plan, runs) +
         profile_section(plan, runs);
}

}  // namespace bellman
