#include "apps/page/chart.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <system_error>

#include "apps/base/terminal.h"
#include "apps/page/axis.h"
#include "apps/page/page.h"
#include "core/base/text.h"

namespace bellman {
namespace {

constexpr std::size_t kChartColors = 10;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Class and dashes of a series' shapes: ten colours, told apart also by those who confuse red and green; beyond that
/// the lines are dashed in other ways.
Attributes series_look(std::size_t series, std::string_view shape) {
  constexpr std::array<std::string_view, 4> kDashes = {"", "8 4", "2 3", "8 3 2 3"};
  Attributes look = {{"class", std::string(shape) + " s" + std::to_string(series % kChartColors)}};
  const std::string_view dashes = kDashes[series / kChartColors % kDashes.size()];
  if (!dashes.empty()) look.add("stroke-dasharray", dashes);
  return look;
}

/// In user units, which are pixels where the window is as wide as the drawing.
struct Paper {
  std::string_view name;
  double width, height, left, right, top, bottom;
  int parts;  // into which ticks cut the axes
};
constexpr std::array<Paper, 2> kPapers = {
    {{"wide", 860, 360, 100, 44, 16, 54, 5}, {"narrow", 400, 320, 92, 30, 12, 54, 3}}};

/// A drawing on one of the papers: axes first, shapes after them.
class Drawing {
 public:
  Drawing(const Paper& paper, const ChartWords& words, const Axis& x, const Axis& y)
      : paper_(paper), words_(words), x_(x), y_(y) {
    const double right = paper.width - paper.right, bottom = paper.height - paper.bottom;
    for (const Axis::Tick& tick : y.ticks()) {
      const double at = bottom - tick.share * (bottom - paper.top);
      shapes_ += leaf("line", {{"class", "grid"},
                               {"x1", pixels(paper.left)},
                               {"x2", pixels(right)},
                               {"y1", pixels(at)},
                               {"y2", pixels(at)}});
      shapes_ += label(paper.left - 8, at + 5, "end", tick.text);
    }
    for (const Axis::Tick& tick : x.ticks())
      shapes_ += label(paper.left + tick.share * (right - paper.left), bottom + 20, "middle", tick.text);
    shapes_ += label((paper.left + right) / 2, paper.height - 8, "middle", words.x_label);
    shapes_ += element("text",
                       {{"transform", "translate(16," + pixels((paper.top + bottom) / 2) + ") rotate(-90)"},
                        {"text-anchor", "middle"}},
                       as_text(words.y_label)) +
               "\n";
  }
  double x(double value) const {
    return paper_.left + x_.share(value) * (paper_.width - paper_.left - paper_.right);
  }
  double y(double value) const {
    return paper_.height - paper_.bottom - y_.share(value) * (paper_.height - paper_.top - paper_.bottom);
  }
  /// The texts of marks stand one below the other, on the side where there is more room.
  void mark(double at, std::string_view text, std::size_t row) {
    const double share = x_.share(at), left = x(at);
    if (!(share >= 0 && share <= 1)) return;
    shapes_ += leaf("line", {{"class", "mark"},
                             {"x1", pixels(left)},
                             {"x2", pixels(left)},
                             {"y1", pixels(paper_.top)},
                             {"y2", pixels(paper_.height - paper_.bottom)}});
    const double height = paper_.top + 14 + 16 * static_cast<double>(row);
    shapes_ += share > 0.5 ? label(left - 6, height, "end", text) : label(left + 6, height, "start", text);
  }
  std::string place(double at_x, double at_y) const { return pixels(x(at_x)) + "," + pixels(y(at_y)) + " "; }
  void add(const Markup& shape) { shapes_ += shape; }
  Markup svg() const {
    return element("svg",
                   {{"class", "chart " + std::string(paper_.name)},
                    {"viewBox", formatted("0 0 %g %g", paper_.width, paper_.height)},
                    {"role", "img"},
                    {"aria-label", words_.title}},
                   "\n" + shapes_) +
           "\n";
  }

 private:
  static Markup label(double at_x, double at_y, std::string_view anchor, std::string_view text) {
    return element("text", {{"x", pixels(at_x)}, {"y", pixels(at_y)}, {"text-anchor", std::string(anchor)}},
                   as_text(text)) +
           "\n";
  }

  const Paper& paper_;
  const ChartWords& words_;
  const Axis &x_, &y_;
  Markup shapes_;
};

Markup figure(const ChartWords& words, const Markup& drawings,
              const std::vector<std::vector<std::string>>& numbers) {
  return element("figure", element("h3", as_text(words.title)) + "\n" + drawings +
                               element("figcaption", as_text(words.how_to_read)) + "\n" +
                               folded("The numbers", text_table(numbers))) +
         "\n";
}

/// The stretches of a series between the points that the axes cannot hold.
std::vector<std::vector<ChartPoint>> stretches(const Series& series, const Axis& x, const Axis& y) {
  std::vector<std::vector<ChartPoint>> result(1);
  for (const ChartPoint& point : series.points) {
    if (x.holds(point.x) && y.holds(point.y))
      result.back().push_back(point);
    else if (!result.back().empty())
      result.emplace_back();
  }
  if (result.back().empty()) result.pop_back();
  return result;
}

void draw_stretch(Drawing& drawing, const std::vector<ChartPoint>& points, std::size_t series,
                  const Axis& y) {
  const auto low = [&](const ChartPoint& p) { return y.holds(p.low) ? p.low : p.y; };
  const auto high = [&](const ChartPoint& p) { return y.holds(p.high) ? p.high : p.y; };
  if (points.size() == 1) {  // a line has no length there
    const ChartPoint& p = points.front();
    Attributes spread = series_look(series, "spread");
    spread.add("x1", pixels(drawing.x(p.x))).add("x2", pixels(drawing.x(p.x)));
    spread.add("y1", pixels(drawing.y(low(p)))).add("y2", pixels(drawing.y(high(p))));
    Attributes dot = series_look(series, "point");
    dot.add("cx", pixels(drawing.x(p.x))).add("cy", pixels(drawing.y(p.y))).add("r", "5");
    return drawing.add(leaf("line", spread) + leaf("circle", dot) + "\n");
  }
  std::string line, above, below;
  bool band = false;
  for (const ChartPoint& p : points) {
    line += drawing.place(p.x, p.y);
    above += drawing.place(p.x, high(p));
    band = band || high(p) != low(p);
  }
  for (auto p = points.rbegin(); p != points.rend(); ++p) below += drawing.place(p->x, low(*p));
  if (band) drawing.add(leaf("polygon", series_look(series, "band").add("points", above + below)) + "\n");
  drawing.add(leaf("polyline", series_look(series, "curve").add("points", line)) + "\n");
}

/// The key and the name of each series in rows above the axes, within the drawing, so that a picture keeps them. None for a
/// single series.
class Legend {
 public:
  Legend(const Paper& paper, const std::vector<Series>& series) {
    if (series.size() < 2) return;
    constexpr double kLeft = 16, kKey = 36, kCharacter = 7.5, kGap = 20, kRow = 20;
    double x = kLeft;
    height_ = kRow;
    for (std::size_t s = 0; s < series.size(); ++s) {
      const double width = kKey + kCharacter * static_cast<double>(characters(series[s].name));
      if (x > kLeft && x + width > paper.width) x = kLeft, height_ += kRow;
      shapes_ +=
          leaf("line", series_look(s, "spread")
                           .add("x1", pixels(x))
                           .add("x2", pixels(x + kKey - 8))
                           .add("y1", pixels(height_ - 2))
                           .add("y2", pixels(height_ - 2))) +
          element("text", {{"x", pixels(x + kKey)}, {"y", pixels(height_ + 3)}}, as_text(series[s].name)) +
          "\n";
      x += width + kGap;
    }
  }
  /// The paper with room for it.
  Paper on(Paper paper) const {
    const double room = height_ > 0 ? height_ + 6 : 0;
    paper.height += room, paper.top += room;
    return paper;
  }
  const Markup& shapes() const { return shapes_; }

 private:
  double height_ = 0;
  Markup shapes_;
};

std::string cell(double value) {
  return std::isfinite(value) ? number_text(std::strtod(formatted("%.6g", value).c_str(), nullptr)) : "–";
}

}  // namespace

std::string pixels(double value, int digits) {
  std::array<char, 32> text;
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, digits);
  return error == std::errc() ? std::string(text.data(), end) : formatted("%.*f", digits, value);
}

Markup series_key(std::size_t series) {
  return element(
      "svg", {{"class", "key"}, {"viewBox", "0 0 28 10"}, {"aria-hidden", "true"}},
      leaf("line",
           series_look(series, "spread").add("x1", "0").add("x2", "28").add("y1", "5").add("y2", "5")));
}

Markup line_chart(const ChartWords& words, const std::vector<Series>& series, Scale x_scale, Scale y_scale) {
  double first = kInfinity, last = -kInfinity, lowest = kInfinity, highest = -kInfinity;
  for (const Series& s : series)
    for (const ChartPoint& p : s.points) {
      if (!fits(p.x, x_scale) || !fits(p.y, y_scale)) continue;
      first = std::min(first, p.x), last = std::max(last, p.x);
      lowest = std::min({lowest, p.y, fits(p.low, y_scale) ? p.low : p.y});
      highest = std::max({highest, p.y, fits(p.high, y_scale) ? p.high : p.y});
    }
  if (!(first <= last)) return {};
  if (x_scale == Scale::kLinear && words.x_has_zero) first = std::min(first, 0.0);

  Markup drawings;
  for (const Paper& plain : kPapers) {
    const Legend legend(plain, words.has_key ? series : std::vector<Series>());
    const Paper paper = legend.on(plain);
    const Axis x(first, last, x_scale, paper.parts), y(lowest, highest, y_scale, paper.parts);
    Drawing drawing(paper, words, x, y);
    drawing.add(legend.shapes());
    for (std::size_t s = 0; s < series.size(); ++s)
      for (const auto& stretch : stretches(series[s], x, y)) draw_stretch(drawing, stretch, s, y);
    for (std::size_t m = 0; m < words.marks.size(); ++m)
      if (x.holds(words.marks[m].x)) drawing.mark(words.marks[m].x, words.marks[m].text, m);
    drawings += drawing.svg();
  }
  std::vector<std::vector<std::string>> numbers = {{"series", words.x_label, words.y_label, "low", "high"}};
  for (const Series& s : series)
    for (const ChartPoint& p : s.points)
      numbers.push_back(
          {s.name, cell(p.x), cell(p.y), p.low == p.y ? "" : cell(p.low), p.high == p.y ? "" : cell(p.high)});
  return figure(words, drawings, numbers);
}

Markup histogram(const ChartWords& words, const std::vector<double>& edges, const std::vector<double>& counts,
                 const std::vector<double>& expected) {
  double highest = 0;
  for (const double count : counts) highest = std::max(highest, count);
  for (const double count : expected) highest = std::max(highest, count);
  if (counts.empty() || highest == 0) return {};
  Markup drawings;
  for (const Paper& paper : kPapers) {
    const Axis x(edges.front(), edges.back(), Scale::kLinear, paper.parts),
        y(0, highest, Scale::kLinear, paper.parts);
    Drawing drawing(paper, words, x, y);
    std::string outline;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const double left = drawing.x(edges[i]), right = drawing.x(edges[i + 1]), top = drawing.y(counts[i]);
      drawing.add(leaf("rect", {{"class", "bar s0"},
                                {"x", pixels(left)},
                                {"y", pixels(top)},
                                {"width", pixels(std::max(0.5, right - left - 0.5))},
                                {"height", pixels(drawing.y(0) - top)}}));
      if (i < expected.size())
        outline += drawing.place(edges[i], expected[i]) + drawing.place(edges[i + 1], expected[i]);
    }
    if (!outline.empty()) drawing.add(leaf("polyline", series_look(1, "curve").add("points", outline)));
    drawings += drawing.svg();
  }
  std::vector<std::vector<std::string>> numbers = {
      {"from", "to", words.y_label, expected.empty() ? "" : "expected"}};
  for (std::size_t i = 0; i < counts.size(); ++i)
    numbers.push_back(
        {cell(edges[i]), cell(edges[i + 1]), cell(counts[i]), i < expected.size() ? cell(expected[i]) : ""});
  return figure(words, drawings, numbers);
}

}  // namespace bellman
