// Charts as inline SVG, each in a figure that says how to read it and holds its numbers in a table. No library of
// Debian's serves here: all of them draw in the browser, need `style` attributes that our content policy refuses, and
// leave nothing to look at where scripts are off.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "apps/page/markup.h"

namespace bellman {

/// A coordinate, as printf's "%.1f" writes it, but faster: a page has some ten thousand of them.
std::string pixels(double value, int digits = 1);

/// A vertical line over the whole height, with a text beside it.
struct ChartMark {
  double x = 0;
  std::string text;  // escaped by the chart
};

/// What every chart says of itself.
struct ChartWords {
  std::string title;  // also the figure's name for those who cannot see it
  std::string how_to_read;
  std::string x_label, y_label;
  bool has_key = true;                // false: a table on the page has the keys of the series
  std::vector<ChartMark> marks = {};  // those within the axes are drawn
  bool x_has_zero = true;             // a linear axis of positive numbers then begins at 0
};

struct ChartPoint {
  double x = 0, y = 0;
  double low = 0, high = 0;  // of the band; equal to y without one
};

/// A line, dashed from the eleventh on. A single point is drawn as one.
struct Series {
  std::string name;  // escaped by the chart
  std::vector<ChartPoint> points;
};

enum class Scale { kLinear, kLog10 };

/// Numbers that are not finite or beyond 1e307, and on a logarithmic axis those that are not positive, break the line.
/// Empty when no point is left.
Markup line_chart(const ChartWords& words, const std::vector<Series>& series, Scale x = Scale::kLinear,
                  Scale y = Scale::kLinear);

/// A bar for each bin, `edges` one more than `counts`; an outline of `expected`, if given, is drawn over them.
Markup histogram(const ChartWords& words, const std::vector<double>& edges, const std::vector<double>& counts,
                 const std::vector<double>& expected = {});

/// A part of a whole.
struct Share {
  std::string name;
  double amount = 0;  // not negative
  std::string meaning;
};
/// One bar of all parts, each as long as its share, and a table with their keys. `x_label` heads the names, `y_label` the
/// amounts. Empty when the whole is 0.
Markup share_bar(const ChartWords& words, const std::vector<Share>& parts);

/// The colour of a number as "#rrggbb": from dark blue to yellow over [low, high] (viridis), or with `diverging` from blue
/// through white to red over [-high, high]. NaN is grey.
std::string heat_color(double value, double low, double high, bool diverging = false);

/// A number in at most six characters where that is possible, of at most three digits: what a map's cell has room for.
std::string cell_number(double value);

/// Rows of numbers as coloured cells; each cell's title is its number. With `with_numbers` they are printed in it, too.
struct HeatMap {
  std::string title, how_to_read;
  std::size_t rows = 0, columns = 0;
  std::vector<double> values;         // (rows, columns)
  std::vector<std::string> captions;  // of the cells; may be empty
  std::vector<std::string> marks;     // a letter or arrow over each number; may be empty
  bool diverging = false, with_numbers = false;
  std::vector<std::string> corners = {};  // with numbers: small, in a corner of each cell; may be empty
};
Markup heat_map(const HeatMap& map);

/// A short line in the colour and dashes of the series, for a table.
Markup series_key(std::size_t series);

}  // namespace bellman
