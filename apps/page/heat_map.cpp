#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "apps/page/chart.h"
#include "core/base/text.h"

namespace bellman {
namespace {

using Color = std::array<double, 3>;  // red, green, blue in [0, 255]

// Nine stops of viridis (Smith and van der Walt 2015), and of a scale from blue through white to red.
constexpr std::array<Color, 9> kViridis = {{{68, 1, 84},
                                            {71, 44, 122},
                                            {59, 81, 139},
                                            {44, 113, 142},
                                            {33, 144, 141},
                                            {39, 173, 129},
                                            {92, 200, 99},
                                            {170, 220, 50},
                                            {253, 231, 37}}};
constexpr std::array<Color, 5> kDiverging = {
    {{33, 102, 172}, {146, 197, 222}, {247, 247, 247}, {244, 165, 130}, {178, 24, 43}}};

Color between(std::span<const Color> stops, double share) {
  const double at = std::clamp(share, 0.0, 1.0) * static_cast<double>(stops.size() - 1);
  const auto i = std::min(static_cast<std::size_t>(at), stops.size() - 2);
  Color color{};
  for (std::size_t c = 0; c < 3; ++c)
    color[c] = stops[i][c] + (at - static_cast<double>(i)) * (stops[i + 1][c] - stops[i][c]);
  return color;
}

Color color_of(double value, double low, double high, bool diverging) {
  if (!std::isfinite(value)) return {128, 128, 128};
  if (!diverging) return between(kViridis, high > low ? (value - low) / (high - low) : 0.5);
  return between(kDiverging, high > 0 ? 0.5 + 0.5 * value / high : 0.5);
}

/// Black or white, whichever reads better on the colour (relative luminance of sRGB, roughly).
Literal ink_on(const Color& color) {
  return 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] > 140 ? Literal("onlight")
                                                                      : Literal("ondark");
}

std::string hex(const Color& color) {
  return formatted("#%02x%02x%02x", static_cast<int>(std::lround(color[0])),
                   static_cast<int>(std::lround(color[1])), static_cast<int>(std::lround(color[2])));
}

}  // namespace

std::string heat_color(double value, double low, double high, bool diverging) {
  return hex(color_of(value, low, high, diverging));
}

std::string cell_number(double value) {
  constexpr std::size_t kRoom = 6;
  std::string text = formatted("%.3g", value);
  for (const int digits : {2, 1})
    if (text.size() > kRoom) text = formatted("%.*g", digits, value);
  return text;
}

Markup heat_map(const HeatMap& map) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : map.values)
    if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  if (map.diverging) high = std::max(std::abs(low), std::abs(high)), low = -high;

  constexpr double kCell = 40;
  const double cell = map.with_numbers ? kCell : 12;
  Markup shapes;
  for (std::size_t i = 0; i < map.values.size(); ++i) {
    const double x = cell * static_cast<double>(i % map.columns),
                 y = cell * static_cast<double>(i / map.columns);
    const Color color = color_of(map.values[i], low, high, map.diverging);
    const std::string number = formatted("%.4g", map.values[i]);
    const std::string caption = i < map.captions.size() ? map.captions[i] + ": " + number : number;
    shapes += element("rect",
                      {{"x", formatted("%g", x)},
                       {"y", formatted("%g", y)},
                       {"width", formatted("%g", cell)},
                       {"height", formatted("%g", cell)},
                       {"fill", hex(color)}},
                      element("title", as_text(caption)));
    if (!map.with_numbers) continue;
    const std::string ink(ink_on(color).text());
    const auto write = [&](double below, const std::string& words) {
      shapes += element(
          "text", {{"class", ink}, {"x", formatted("%g", x + cell / 2)}, {"y", formatted("%g", y + below)}},
          as_text(words));
    };
    const bool marked = i < map.marks.size();
    if (i < map.corners.size())
      shapes += element(
          "text", {{"class", ink + " corner"}, {"x", formatted("%g", x + 3)}, {"y", formatted("%g", y + 8)}},
          as_text(map.corners[i]));
    if (marked) write(cell / 2 - 3, map.marks[i]);
    if (std::isfinite(map.values[i])) write(cell / 2 + (marked ? 13 : 4), cell_number(map.values[i]));
  }
  const std::string range =
      low <= high ? formatted("Colours go from %.4g to %.4g. ", low, high) : "No number is finite. ";
  return element("figure",
                 element("h3", as_text(map.title)) + "\n" +
                     element("svg",
                             {{"class", "map"},
                              {"viewBox", formatted("0 0 %g %g", cell * static_cast<double>(map.columns),
                                                    cell * static_cast<double>(map.rows))},
                              {"role", "img"},
                              {"aria-label", map.title}},
                             shapes) +
                     "\n" + element("figcaption", as_text(range + map.how_to_read))) +
         "\n";
}

}  // namespace bellman
