// sweep.html: one file that a browser shows without the network. The chart is inline SVG.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string_view>

#include "apps/progress_bar.h"
#include "apps/sweep_report.h"

namespace bellman {
namespace {

constexpr double kWidth = 860, kHeight = 380, kLeft = 64, kRight = 36, kTop = 16, kBottom = 48;
constexpr std::size_t kMostPoints = 120, kBandResamples = 300;
// Told apart also by those who confuse red and green (Okabe and Ito 2008).
constexpr std::array<std::string_view, 8> kColors = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                     "#e69f00", "#56b4e9", "#8a8a00", "#777777"};

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ink: #1a1a1a; --faint: #8a8a8a; --line: #d8d8d8; --paper: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --faint: #9a9a9a; --line: #3a3a3a; --paper: #151515; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 900px;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } p { color: var(--faint); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; white-space: nowrap; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .5em; }
svg { width: 100%; height: auto; } text { fill: var(--ink); font-size: 12px; }
.settings td { text-align: left; white-space: normal; } details { margin-top: 1rem; }
.grid { stroke: var(--line); } .scroll { overflow-x: auto; }
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

std::string number(double value, const char* format = "%.4g") {
  if (!std::isfinite(value)) return "–";
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// A variant's evaluations at one timestep.
struct BandPoint {
  double timestep, iqm;
  Interval interval;
};

/// A run's last evaluation at or before `timestep`; a run that ended early keeps its last. NaN before its
/// first.
double value_at(const SweepRun& run, Index timestep) {
  const auto after = std::upper_bound(run.curve.begin(), run.curve.end(), timestep,
                                      [](Index t, const EvaluationPoint& p) { return t < p.timestep; });
  return after == run.curve.begin() ? std::numeric_limits<double>::quiet_NaN() : (after - 1)->mean_return;
}

std::vector<BandPoint> band_of(std::span<const SweepRun> runs) {
  std::vector<Index> timesteps;
  for (const SweepRun& run : runs)
    for (const EvaluationPoint& point : run.curve) timesteps.push_back(point.timestep);
  std::sort(timesteps.begin(), timesteps.end());
  timesteps.erase(std::unique(timesteps.begin(), timesteps.end()), timesteps.end());
  const std::size_t stride = (timesteps.size() + kMostPoints - 1) / kMostPoints;

  std::vector<BandPoint> band;
  std::vector<double> values;
  for (std::size_t i = 0; i < timesteps.size(); ++i) {
    if (i % stride != 0 && i + 1 != timesteps.size()) continue;
    values.clear();
    for (const SweepRun& run : runs)
      if (const double value = value_at(run, timesteps[i]); !std::isnan(value)) values.push_back(value);
    band.push_back({static_cast<double>(timesteps[i]), interquartile_mean(values),
                    bootstrap_interval(values, interquartile_mean, kBandResamples, i)});
  }
  return band;
}

/// A round step that cuts `range` into about five.
double tick_step(double range) {
  const double rough = range / 5, power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough) return factor * power;
  return 10 * power;
}

/// How many steps fit into the range; never more than a chart has room for.
int ticks(double range, double step) {
  constexpr double kMost = 12;
  const double count = std::floor(range / step + 1e-9);
  return count >= 0 ? static_cast<int>(std::min(count, kMost)) : 0;
}

class Chart {
 public:
  explicit Chart(const std::vector<std::vector<BandPoint>>& bands) {
    for (const auto& band : bands)
      for (const BandPoint& point : band) {
        last_ = std::max(last_, point.timestep);
        low_ = std::min(low_, point.interval.low);
        high_ = std::max(high_, point.interval.high);
      }
    if (!(high_ > low_)) low_ -= 1, high_ += 1;
    const double step = tick_step(high_ - low_);
    low_ = step * std::floor(low_ / step);
    high_ = step * std::ceil(high_ / step);
    svg_ = "<svg viewBox=\"0 0 " + number(kWidth) + " " + number(kHeight) +
           "\" role=\"img\" aria-label=\"Return of evaluations over environment steps\">\n";
    axes(step);
  }

  void add(const std::vector<BandPoint>& band, std::string_view color) {
    std::string line, above, below;
    for (const BandPoint& point : band) {
      line += place(point.timestep, point.iqm);
      above += place(point.timestep, point.interval.high);
    }
    for (auto point = band.rbegin(); point != band.rend(); ++point)
      below += place(point->timestep, point->interval.low);
    svg_ += "<polygon points=\"" + above + below + "\" fill=\"" + std::string(color) +
            "\" opacity=\"0.18\"/>\n<polyline points=\"" + line + "\" fill=\"none\" stroke=\"" +
            std::string(color) + "\" stroke-width=\"2\"/>\n";
  }
  std::string text() const { return svg_ + "</svg>\n"; }

 private:
  double x(double timestep) const { return kLeft + (kWidth - kLeft - kRight) * timestep / last_; }
  double y(double value) const {
    return kTop + (kHeight - kTop - kBottom) * (high_ - value) / (high_ - low_);
  }
  std::string place(double timestep, double value) const {
    return number(x(timestep), "%.1f") + "," + number(y(value), "%.1f") + " ";
  }
  std::string label(double at_x, double at_y, const char* anchor, const std::string& text) const {
    return "<text x=\"" + number(at_x, "%.1f") + "\" y=\"" + number(at_y, "%.1f") + "\" text-anchor=\"" +
           anchor + "\">" + text + "</text>\n";
  }
  void axes(double step) {
    for (int i = 0; i <= ticks(high_ - low_, step); ++i) {
      const double value = low_ + i * step;
      const std::string at = number(y(value), "%.1f");
      svg_ += "<line class=\"grid\" x1=\"" + number(kLeft) + "\" x2=\"" + number(kWidth - kRight) +
              "\" y1=\"" + at + "\" y2=\"" + at + "\"/>\n";
      svg_ += label(kLeft - 8, y(value) + 4, "end", number(std::abs(value) < step / 2 ? 0 : value));
    }
    const double across = tick_step(last_);
    for (int i = 0; i <= ticks(last_, across); ++i) {
      const double timestep = i * across;
      svg_ += label(x(timestep), kHeight - kBottom + 18, "middle", with_separators(std::llround(timestep)));
    }
    svg_ += label((kLeft + kWidth - kRight) / 2, kHeight - 8, "middle", "environment steps");
    svg_ += "<text transform=\"translate(16," + number((kTop + kHeight - kBottom) / 2) +
            ") rotate(-90)\" text-anchor=\"middle\">mean return of an evaluation</text>\n";
  }

  double last_ = 1;
  double low_ = std::numeric_limits<double>::infinity(), high_ = -std::numeric_limits<double>::infinity();
  std::string svg_;
};

std::string table(const SweepPlan& plan, const std::vector<VariantSummary>& summaries) {
  std::string rows;
  for (std::size_t v = 0; v < summaries.size(); ++v) {
    const VariantSummary& s = summaries[v];
    rows += "<tr><td><i style=\"background:" + std::string(kColors[v % kColors.size()]) + "\"></i>" +
            escape(plan.variants[v].label) + "</td><td>" + std::to_string(s.finished) + " of " +
            std::to_string(plan.seeds.size()) + "</td><td>" + number(s.mean) +
            (std::isnan(s.std) ? "" : " ± " + number(s.std, "%.3g")) + "</td><td>" + number(s.iqm) +
            "</td><td>" + number(s.interval.low) + " to " + number(s.interval.high) + "</td><td>" +
            number(100 * s.solved, "%.0f") + " %</td><td>" +
            (std::isfinite(s.median_steps_to_solve) ? with_separators(std::llround(s.median_steps_to_solve))
                                                    : "–") +
            "</td><td>" + number(s.median_seconds_to_solve, "%.2f") + "</td></tr>\n";
  }
  return "<div class=\"scroll\"><table>\n<tr><th>settings</th><th>runs</th><th>mean ± std</th><th>IQM</th>"
         "<th>95 % interval</th><th>solved</th><th>steps to solve</th><th>seconds</th></tr>\n" +
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
  return "<details><summary>All settings</summary>\n<table class=\"settings\">\n" + rows +
         "</table></details>\n";
}

}  // namespace

std::string sweep_page(const SweepPlan& plan, const std::vector<SweepRun>& runs, double seconds) {
  std::vector<std::vector<BandPoint>> bands;
  bool any = false;
  for (std::size_t v = 0; v < plan.variants.size(); ++v) {
    bands.push_back(band_of(runs_of(plan, runs, v)));
    any = any || !bands.back().empty();
  }
  std::string chart = "<p>No run was evaluated while it trained (eval_frequency is 0).</p>\n";
  if (any) {
    Chart curves(bands);
    for (std::size_t v = 0; v < bands.size(); ++v)
      if (!bands[v].empty()) curves.add(bands[v], kColors[v % kColors.size()]);
    chart = curves.text();
  }
  const std::string title = escape(sweep_title(plan));
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width\"><title>" +
         title + "</title><style>" + std::string(kStyle) + "</style></head><body>\n<h1>" + title + "</h1>\n" +
         chart + table(plan, summarise(plan, runs)) + settings_list(plan) +
         "<p>Curves: interquartile mean over the seeds of the evaluations during training; a run that ended "
         "early keeps its last one. Bands and intervals: 95 % of a percentile bootstrap over the seeds. "
         "Table: "
         "the final evaluations; std is a sample's; steps and seconds are medians. Trained in " +
         duration_text(seconds) + ".</p>\n</body></html>\n";
}

}  // namespace bellman
