#include "apps/explain/shown_numbers.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/page/chart.h"
#include "core/base/text.h"

namespace bellman {
namespace {

constexpr std::size_t kMostAsText = 24;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// Cells of colour: an image's channels side by side, a row of features in lines of 24.
Markup cells(const std::string& tensor, const std::vector<double>& values, const std::vector<Index>& shape,
             const std::function<std::vector<std::string>(Index)>& made_of) {
  constexpr double kCell = 12;
  double high = 0;
  for (const double value : values)
    if (std::isfinite(value)) high = std::max(high, std::abs(value));
  const bool image = shape.size() == 3;
  const Index width = image ? shape[2] : 24, height = image ? shape[1] : 1,
              pictures_a_line = image ? std::max<Index>(1, 48 / width) : 1;
  double right = 0, bottom = 0;
  Markup shapes;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto element = static_cast<Index>(i);
    const Index picture = element / (width * height), within = element % (width * height);
    const double x = kCell * static_cast<double>(within % width + picture % pictures_a_line * (width + 1));
    const double y =
        kCell * static_cast<double>(within / width + picture / pictures_a_line * (height + (image ? 1 : 0)));
    right = std::max(right, x + kCell), bottom = std::max(bottom, y + kCell);
    Attributes look = {{"x", formatted("%g", x)},
                       {"y", formatted("%g", y)},
                       {"width", "12"},
                       {"height", "12"},
                       {"fill", heat_color(values[i], -high, high, true)},
                       {"data-id", number_id(tensor, element)}};
    if (made_of) look.add("data-from", joined(made_of(element)));
    shapes += bellman::element("rect", look,
                               bellman::element("title", as_text(number_id(tensor, element) + " = " +
                                                                 formatted("%.6g", values[i]))));
  }
  return bellman::element(
      "svg",
      {{"class", "map"},
       {"viewBox", formatted("0 0 %g %g", right, bottom)},
       {"role", "img"},
       {"aria-label", formatted("%zu numbers from %.4g to %.4g, blue negative, red positive", values.size(),
                                values.empty() ? 0.0 : *std::min_element(values.begin(), values.end()),
                                values.empty() ? 0.0 : *std::max_element(values.begin(), values.end()))}},
      shapes);
}

}  // namespace

std::string number_id(std::string_view tensor, Index element) {
  return std::string(tensor) + ":" + std::to_string(element);
}

Markup shown_number(double value, const std::string& id, const std::vector<std::string>& made_of) {
  Attributes look = {{"class", "number"}, {"data-id", id}, {"title", id + " = " + formatted("%.9g", value)}};
  if (!made_of.empty()) look.add("data-from", joined(made_of));
  return element("span", look, as_text(formatted("%.4g", value)));
}

std::vector<double> sample_row(const TracedTensor& tensor, Index sample) {
  const std::size_t width = tensor.values.size() / static_cast<std::size_t>(tensor.shape.front());
  const auto first = tensor.values.begin() + static_cast<std::ptrdiff_t>(width) * sample;
  return {first, first + static_cast<std::ptrdiff_t>(width)};
}

Markup shown_row(const std::string& name, const std::string& tensor, const std::vector<double>& values,
                 const std::vector<Index>& shape,
                 const std::function<std::vector<std::string>(Index)>& made_of) {
  Markup numbers;
  if (values.size() > kMostAsText) {
    numbers = cells(tensor, values, shape, made_of);
  } else {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto k = static_cast<Index>(i);
      numbers +=
          shown_number(values[i], number_id(tensor, k), made_of ? made_of(k) : std::vector<std::string>()) +
          " ";
    }
  }
  return element("p", as_text(name + " = ") + numbers) + "\n";
}

std::vector<Index> largest_indices(const std::vector<double>& values, std::size_t most) {
  std::vector<Index> order(values.size());
  std::iota(order.begin(), order.end(), Index{0});
  const auto size = [&](Index i) {  // a NaN is not ordered
    const double value = std::abs(values[static_cast<std::size_t>(i)]);
    return std::isnan(value) ? std::numeric_limits<double>::infinity() : value;
  };
  std::stable_sort(order.begin(), order.end(), [&](Index i, Index j) { return size(i) > size(j); });
  if (order.size() > most) order.resize(most);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace bellman
