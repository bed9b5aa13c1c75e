#include "apps/sweep/sweep_chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "apps/base/numbers.h"
#include "apps/sweep/sweep_statistics.h"
#include "core/base/text.h"

namespace bellman {
namespace {

constexpr std::size_t kMostPoints = 120, kBandResamples = 300;

// Both lists start with colours of Okabe and Ito 2008. Each further colour is as far as possible from those
// before it, for normal sight and for red-green blindness, with a contrast of 3 or more against the paper.
constexpr std::string_view kStyle = R"(
.s0 { --color: #0072b2; } .s1 { --color: #d55e00; } .s2 { --color: #009e73; } .s3 { --color: #c060ff; }
.s4 { --color: #802060; } .s5 { --color: #000000; } .s6 { --color: #ff0060; } .s7 { --color: #604020; }
.s8 { --color: #2020ff; } .s9 { --color: #0040c0; }
@media (prefers-color-scheme: dark) {
  .s0 { --color: #56b4e9; } .s1 { --color: #e69f00; } .s2 { --color: #009e73; } .s3 { --color: #8020ff; }
  .s4 { --color: #c040a0; } .s5 { --color: #e0e0c0; } .s6 { --color: #e00000; } .s7 { --color: #a0ff80; }
  .s8 { --color: #8080ff; } .s9 { --color: #ffff20; }
}
.curve { fill: none; stroke: var(--color); stroke-width: 2; } .band { fill: var(--color); opacity: .18; }
.point { fill: var(--color); } .spread { stroke: var(--color); stroke-width: 2; }
svg.key { width: 28px; height: 10px; margin-right: .5em; }
svg.chart { width: 100%; height: auto; } svg.chart text { fill: var(--ink); font-size: 14px; }
svg.narrow { display: none; }
@media (max-width: 720px) { svg.wide { display: none; } svg.narrow { display: block; max-width: 520px; } }
.grid { stroke: var(--line); }
)";

/// The attributes of a variant's lines.
std::string series(std::size_t variant, const std::string& shape) {
  constexpr std::array<std::string_view, 4> kDashes = {"", "8 4", "2 3", "8 3 2 3"};
  const std::string_view dashes = kDashes[variant / kChartColors % kDashes.size()];
  std::string text = "class=\"" + shape + " s" + std::to_string(variant % kChartColors) + "\"";
  if (!dashes.empty()) text.append(" stroke-dasharray=\"").append(dashes).append("\"");
  return text;
}

/// A variant's evaluations at one timestep.
struct BandPoint {
  double timestep, iqm;
  Interval interval;
};

/// A run's last evaluation at or before `timestep`, also after a run that ended early. NaN before its first.
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

/// A round step that divides `range` into about `parts`.
double tick_step(double range, int parts) {
  const double rough = range / parts, power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough) return factor * power;
  return 10 * power;
}

/// The number of steps in the range; at most as many as a chart has room for.
int ticks(double range, double step) {
  constexpr double kMost = 12;
  const double count = std::floor(range / step + 1e-9);
  return count >= 0 ? static_cast<int>(std::min(count, kMost)) : 0;
}

/// Sizes in user units, which are pixels in a window as wide as the frame.
struct Frame {
  std::string_view name;
  double width, height, left, right, top, bottom;
  int parts;  // into which ticks divide the axes
};

constexpr std::array<Frame, 2> kFrames = {
    {{"wide", 860, 400, 84, 44, 16, 54, 5}, {"narrow", 400, 320, 78, 30, 12, 54, 3}}};

class Chart {
 public:
  Chart(const Frame& frame, const std::vector<std::vector<BandPoint>>& bands) : frame_(frame) {
    for (const auto& band : bands)
      for (const BandPoint& point : band) {
        last_ = std::max(last_, point.timestep);
        low_ = std::min(low_, point.interval.low);
        high_ = std::max(high_, point.interval.high);
      }
    if (!(high_ > low_)) low_ -= 1, high_ += 1;
    const double step = tick_step(high_ - low_, frame_.parts);
    low_ = step * std::floor(low_ / step);
    high_ = step * std::ceil(high_ / step);
    svg_ = "<svg class=\"chart " + std::string(frame_.name) + "\" viewBox=\"0 0 " + shown(frame_.width) +
           " " + shown(frame_.height) +
           "\" role=\"img\" aria-label=\"Return of evaluations over environment steps\">\n";
    axes(step);
  }

  void add(const std::vector<BandPoint>& band, std::size_t variant) {
    if (band.size() == 1) return add_point(band.front(), variant);
    std::string line, above, below;
    for (const BandPoint& point : band) {
      line += place(point.timestep, point.iqm);
      above += place(point.timestep, point.interval.high);
    }
    for (auto point = band.rbegin(); point != band.rend(); ++point)
      below += place(point->timestep, point->interval.low);
    svg_ += "<polygon " + series(variant, "band") + " points=\"" + above + below + "\"/>\n<polyline " +
            series(variant, "curve") + " points=\"" + line + "\"/>\n";
  }
  std::string text() const { return svg_ + "</svg>\n"; }

 private:
  static std::string shown(double value) { return formatted("%.4g", value); }
  double x(double timestep) const {
    return frame_.left + (frame_.width - frame_.left - frame_.right) * timestep / last_;
  }
  double y(double value) const {
    return frame_.top + (frame_.height - frame_.top - frame_.bottom) * (high_ - value) / (high_ - low_);
  }
  std::string place(double timestep, double value) const {
    return formatted("%.1f", x(timestep)) + "," + formatted("%.1f", y(value)) + " ";
  }
  /// A variant with one evaluation: a line would have no length.
  void add_point(const BandPoint& point, std::size_t variant) {
    const std::string at = formatted("%.1f", x(point.timestep));
    svg_ += "<line " + series(variant, "spread") + " x1=\"" + at + "\" x2=\"" + at + "\" y1=\"" +
            formatted("%.1f", y(point.interval.low)) + "\" y2=\"" +
            formatted("%.1f", y(point.interval.high)) + "\"/>\n<circle " + series(variant, "point") +
            " cx=\"" + at + "\" cy=\"" + formatted("%.1f", y(point.iqm)) + "\" r=\"5\"/>\n";
  }
  std::string label(double at_x, double at_y, const char* anchor, const std::string& text) const {
    return "<text x=\"" + formatted("%.1f", at_x) + "\" y=\"" + formatted("%.1f", at_y) +
           "\" text-anchor=\"" + anchor + "\">" + text + "</text>\n";
  }
  void axes(double step) {
    const double right = frame_.width - frame_.right, bottom = frame_.height - frame_.bottom;
    for (int i = 0; i <= ticks(high_ - low_, step); ++i) {
      const double value = low_ + i * step;
      const std::string at = formatted("%.1f", y(value));
      svg_ += "<line class=\"grid\" x1=\"" + shown(frame_.left) + "\" x2=\"" + shown(right) + "\" y1=\"" +
              at + "\" y2=\"" + at + "\"/>\n";
      svg_ +=
          label(frame_.left - 8, y(value) + 5, "end", short_number(std::abs(value) < step / 2 ? 0 : value));
    }
    const double across = tick_step(last_, frame_.parts);
    for (int i = 0; i <= ticks(last_, across); ++i) {
      const double timestep = i * across;
      svg_ += label(x(timestep), bottom + 20, "middle", with_separators(std::llround(timestep)));
    }
    svg_ += label((frame_.left + right) / 2, frame_.height - 8, "middle", "environment steps");
    svg_ += "<text transform=\"translate(16," + shown((frame_.top + bottom) / 2) +
            ") rotate(-90)\" text-anchor=\"middle\">mean return of an evaluation</text>\n";
  }

  const Frame& frame_;
  double last_ = 1;
  double low_ = std::numeric_limits<double>::infinity(), high_ = -std::numeric_limits<double>::infinity();
  std::string svg_;
};

}  // namespace

std::string_view chart_style() { return kStyle; }

std::string chart_key(std::size_t variant) {
  return "<svg class=\"key\" viewBox=\"0 0 28 10\" aria-hidden=\"true\"><line " + series(variant, "spread") +
         " x1=\"0\" x2=\"28\" y1=\"5\" y2=\"5\"/></svg>";
}

std::string sweep_chart(const SweepPlan& plan, const std::vector<SweepRun>& runs) {
  std::vector<std::vector<BandPoint>> bands;
  bool any = false;
  for (std::size_t v = 0; v < plan.variants.size(); ++v) {
    bands.push_back(band_of(runs_of(plan, runs, v)));
    any = any || !bands.back().empty();
  }
  if (!any) return "";
  std::string text;
  for (const Frame& frame : kFrames) {
    Chart chart(frame, bands);
    for (std::size_t v = 0; v < bands.size(); ++v)
      if (!bands[v].empty()) chart.add(bands[v], v);
    text += chart.text();
  }
  return text;
}

}  // namespace bellman
