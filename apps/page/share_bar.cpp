#include <cmath>
#include <utility>

#include "apps/base/numbers.h"
#include "apps/page/chart.h"
#include "apps/page/page.h"
#include "core/base/text.h"

namespace bellman {

Markup share_bar(const ChartWords& words, const std::vector<Share>& parts) {
  double whole = 0;
  for (const Share& part : parts) whole += part.amount;
  if (!(whole > 0) || !std::isfinite(whole)) return {};
  constexpr double kWidth = 1000, kHeight = 44;
  Markup shapes;
  std::vector<std::vector<Markup>> rows = {text_cells({words.x_label, words.y_label, "share"})};
  double left = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const double width = kWidth * parts[i].amount / whole;
    const std::string share = formatted("%.1f %%", 100 * parts[i].amount / whole);
    if (width > 0)
      shapes += element("rect",
                        {{"class", "point s" + std::to_string(i)},
                         {"x", formatted("%.2f", left)},
                         {"y", "0"},
                         {"width", formatted("%.2f", width)},
                         {"height", formatted("%g", kHeight)}},
                        element("title", as_text(parts[i].name + ": " + share)));
    left += width;
    std::vector<Markup> row =
        text_cells({parts[i].name + ": " + parts[i].meaning, formatted("%.3g", parts[i].amount), share});
    row.front() = series_key(i) + row.front();
    rows.push_back(std::move(row));
  }
  return element("figure", element("h3", as_text(words.title)) + "\n" +
                               element("svg",
                                       {{"class", "shares"},
                                        {"viewBox", formatted("0 0 %g %g", kWidth, kHeight)},
                                        {"preserveAspectRatio", "none"},
                                        {"role", "img"},
                                        {"aria-label", words.title}},
                                       shapes) +
                               "\n" + element("figcaption", as_text(words.how_to_read)) + "\n" +
                               table(rows)) +
         "\n";
}

}  // namespace bellman
