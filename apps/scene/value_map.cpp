#include "apps/scene/value_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/text.h"

namespace bellman {
namespace {

/// The best of a cell's actions, by the numbers that are finite; NaN where none is.
struct BestAction {
  double value = std::nan("");
  std::size_t action = 0;
};

BestAction best_action(std::span<const double> q) {
  BestAction best;
  for (std::size_t a = 0; a < q.size(); ++a)
    if (std::isfinite(q[a]) && !(q[a] <= best.value)) best = {q[a], a};
  return best;
}

std::vector<BestAction> best_actions(const GridTask& task, std::span<const double> q) {
  const auto actions = static_cast<std::size_t>(task.mdp.num_actions());
  std::vector<BestAction> best(task.cells.size());
  for (std::size_t s = 0; s < best.size(); ++s)
    if (task.mdp.playable(static_cast<std::int32_t>(s)))
      best[s] = best_action(q.subspan(s * actions, actions));
  return best;
}

/// "→", in a start "S→".
std::string marked_arrow(const GridTask& task, std::size_t state, std::size_t action) {
  return std::string(task.symbols[state] == 'S' ? "S" : "").append(arrow(task.directions[action]));
}

}  // namespace

std::string_view arrow(Direction direction) {
  constexpr std::array<std::string_view, 4> kArrows = {"↑", "→", "↓", "←"};
  return kArrows[static_cast<std::size_t>(direction)];
}

HeatMap value_map(const GridTask& task, std::span<const double> q, std::string title,
                  std::string how_to_read) {
  HeatMap map;
  map.title = std::move(title);
  map.how_to_read = std::move(how_to_read);
  map.rows = static_cast<std::size_t>(task.rows);
  map.columns = static_cast<std::size_t>(task.cols);
  map.with_numbers = true;
  const std::vector<BestAction> best = best_actions(task, q);
  for (std::size_t s = 0; s < best.size(); ++s) {
    map.values.push_back(best[s].value);
    map.captions.push_back("cell " + std::to_string(s));
    map.marks.push_back(std::isfinite(best[s].value) ? marked_arrow(task, s, best[s].action)
                                                     : std::string(1, task.symbols[s]));
  }
  return map;
}

Markup value_player(std::string_view id, const GridTask& task, std::span<const ValueMoment> moments,
                    std::string title, std::string how_to_read, const ValuePlayerLook& look) {
  if (moments.empty()) return {};
  constexpr double kCell = 40;
  std::vector<std::vector<BestAction>> shown;
  std::vector<std::string> captions;
  const std::size_t stride = moments.size() / look.most_moments + 1;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (std::size_t m = (moments.size() - 1) % stride; m < moments.size(); m += stride) {
    shown.push_back(best_actions(task, moments[m].q));
    for (std::size_t s = 0; s < moments[m].shown.size(); ++s) shown.back()[s].value = moments[m].shown[s];
    captions.push_back(moments[m].caption);
    for (const BestAction& best : shown.back())
      if (std::isfinite(best.value)) low = std::min(low, best.value), high = std::max(high, best.value);
  }

  if (!(low <= high)) return {};
  if (look.diverging) high = std::max(std::abs(low), std::abs(high)), low = -high;

  Markup shapes;
  for (std::size_t s = 0; s < task.cells.size(); ++s) {
    const double x = kCell * static_cast<double>(s % static_cast<std::size_t>(task.cols)),
                 y = kCell * static_cast<double>(s / static_cast<std::size_t>(task.cols));
    const std::string at = std::to_string(s);
    const auto text = [&](const std::string& part, double below, std::string_view words) {
      return element("text",
                     {{"class", "ondark " + part + at},
                      {"x", formatted("%g", x + 20)},
                      {"y", formatted("%g", y + below)}},
                     as_text(words));
    };
    shapes += leaf("rect", {{"class", "cell-" + at},
                            {"x", formatted("%g", x)},
                            {"y", formatted("%g", y)},
                            {"width", "40"},
                            {"height", "40"},
                            {"fill", "#808080"}});
    shapes += text("mark-", 17, std::string_view(task.symbols).substr(s, 1)) + text("value-", 33, "");
  }
  const auto is_light = [&](double share) {
    return look.diverging ? std::abs(share - 0.5) < 0.3 : share > 0.7;
  };
  nlohmann::ordered_json frames = nlohmann::ordered_json::array();
  for (std::size_t m = 0; m < shown.size(); ++m) {
    nlohmann::ordered_json set, text;
    for (std::size_t s = 0; s < shown[m].size(); ++s) {
      if (!task.mdp.playable(static_cast<std::int32_t>(s))) continue;
      const BestAction& best = shown[m][s];
      const bool known = std::isfinite(best.value);
      const std::string at = std::to_string(s);
      const double share = high > low ? (best.value - low) / (high - low) : 0.5;
      set[".cell-" + at] = {{"fill", heat_color(best.value, low, high, look.diverging)}};
      for (const char* const part : {".mark-", ".value-"})
        set[part + at] = {{"class", (known && is_light(share) ? "onlight " : "ondark ") + (part + 1 + at)}};
      text[".mark-" + at] = known ? marked_arrow(task, s, best.action) : "?";
      text[".value-" + at] = known ? cell_number(best.value) : "";
    }
    frames.push_back({{"set", std::move(set)}, {"text", std::move(text)}, {"caption", captions[m]}});
  }
  return element("figure", {{"data-player", std::string(id)}, {"data-rate", "5"}},
                 element("h3", as_text(title)) +
                     element("svg",
                             {{"class", "map"},
                              {"viewBox", formatted("0 0 %g %g", kCell * static_cast<double>(task.cols),
                                                    kCell * static_cast<double>(task.rows))},
                              {"role", "img"},
                              {"aria-label", title}},
                             shapes) +
                     element("figcaption",
                             as_text(formatted("Colours go from %.3g to %.3g. ", low, high) + how_to_read))) +
         json_data(id, frames.dump()) + "\n";
}

}  // namespace bellman
