#include "apps/course/sum_tree_walk.h"

#include <string>
#include <string_view>

#include "apps/page/page.h"
#include "core/base/text.h"

namespace bellman {
namespace {

constexpr double kTreeWidth = 560, kTreeRow = 56, kTreeBox = 30;

/// Where the walk stands after `decisions`, from the root (0) on.
std::vector<std::size_t> nodes_passed(const TreeWalk& walk) {
  std::vector<std::size_t> nodes = {0};
  for (const TreeDecision& decision : walk.decisions)
    nodes.push_back(2 * nodes.back() + (decision.goes_right ? 1 : 0));
  return nodes;
}

/// The whole tree; `depth` nodes of the way are shaded.
Markup tree_drawing(const std::vector<std::vector<double>>& sums, const std::vector<std::size_t>& way,
                    std::size_t depth) {
  const auto place = [&](std::size_t level, std::size_t node) {
    return kTreeWidth * (static_cast<double>(node) + 0.5) / static_cast<double>(sums[level].size());
  };
  Markup lines, boxes;
  for (std::size_t level = 0; level < sums.size(); ++level)
    for (std::size_t node = 0; node < sums[level].size(); ++node) {
      const double x = place(level, node), y = 8 + kTreeRow * static_cast<double>(level);
      const double width = level + 1 == sums.size() ? 60 : 76;
      if (level > 0)
        lines += leaf("line", {{"class", "grid"},
                               {"x1", formatted("%.1f", place(level - 1, node / 2))},
                               {"y1", formatted("%.1f", y - kTreeRow + kTreeBox)},
                               {"x2", formatted("%.1f", x)},
                               {"y2", formatted("%.1f", y)}});
      const auto box = [&](std::string_view look) {
        return leaf("rect", {{"class", std::string(look)},
                             {"x", formatted("%.1f", x - width / 2)},
                             {"y", formatted("%.1f", y)},
                             {"width", formatted("%.1f", width)},
                             {"height", formatted("%.1f", kTreeBox)}});
      };
      boxes += box(level < depth && way[level] == node ? "outline" : "grid sheet");
      if (level < depth && way[level] == node) boxes += box("band s1");
      boxes += element(
          "text", {{"x", formatted("%.1f", x)}, {"y", formatted("%.1f", y + 20)}, {"text-anchor", "middle"}},
          as_text(formatted("%.4g", sums[level][node])));
    }
  for (std::size_t node = 0; node < sums.back().size(); ++node)
    boxes += element("text",
                     {{"x", formatted("%.1f", place(sums.size() - 1, node))},
                      {"y", formatted("%.1f", 8 + kTreeRow * static_cast<double>(sums.size()))},
                      {"text-anchor", "middle"}},
                     as_text("slot " + std::to_string(node)));
  return element(
      "svg",
      {{"class", "scene"},
       {"viewBox", formatted("0 0 %g %g", kTreeWidth, 20 + kTreeRow * static_cast<double>(sums.size()))},
       {"role", "img"},
       {"aria-label", "a sum-tree and the way of one draw"}},
      lines + boxes);
}

}  // namespace

std::vector<std::vector<double>> tree_sums(std::span<const double> weights) {
  std::vector<std::vector<double>> levels = {{weights.begin(), weights.end()}};
  while (levels.front().size() > 1) {
    std::vector<double> above;
    for (std::size_t node = 0; node < levels.front().size(); node += 2)
      above.push_back(levels.front()[node] + levels.front()[node + 1]);
    levels.insert(levels.begin(), above);
  }
  return levels;
}

TreeWalk walk_tree(std::span<const double> weights, double mass) {
  const std::vector<std::vector<double>> sums = tree_sums(weights);
  TreeWalk walk;
  std::size_t node = 0;
  for (std::size_t level = 1; level < sums.size(); ++level) {
    const double left = sums[level][2 * node], right = sums[level][2 * node + 1];
    const bool goes_right = mass >= left && right > 0;
    walk.decisions.push_back({mass, left, right, goes_right});
    node = 2 * node + (goes_right ? 1 : 0);
    if (goes_right) mass -= left;
  }
  walk.leaf = static_cast<Index>(node);
  return walk;
}

Markup tree_walk_figure(std::span<const double> weights, double mass) {
  const std::vector<std::vector<double>> sums = tree_sums(weights);
  const TreeWalk walk = walk_tree(weights, mass);
  const std::vector<std::size_t> way = nodes_passed(walk);
  const auto part = [&](const std::string& heading, std::size_t depth, const std::string& words) {
    return element(
        "section", {{"data-step", heading}},
        element("h4", as_text(heading)) + tree_drawing(sums, way, depth) + element("p", as_text(words)));
  };
  Markup steps = part(
      "the mass", 1,
      formatted("The root holds the sum of all weights, %.4g. A number is drawn below it: %.4g. Imagine the "
                "weights laid end to end: which one lies there?",
                sums[0][0], mass));
  for (std::size_t i = 0; i < walk.decisions.size(); ++i) {
    const TreeDecision& d = walk.decisions[i];
    steps +=
        part(d.goes_right ? "to the right" : "to the left", i + 2,
             d.goes_right ? formatted("%.4g is not below the left sum, %.4g. To the right, with what is "
                                      "left: %.4g - %.4g = %.4g.",
                                      d.mass, d.left, d.mass, d.left, d.mass - d.left)
                          : formatted("%.4g is below the left sum, %.4g. To the left, with the same mass.",
                                      d.mass, d.left));
  }
  steps += part(
      "the slot", sums.size(),
      formatted(
          "Slot %lld is drawn, after %zu decisions. Its probability is its weight over the total: %.4g / "
          "%.4g = %.4g.",
          static_cast<long long>(walk.leaf), walk.decisions.size(), sums.back()[way.back()], sums[0][0],
          sums.back()[way.back()] / sums[0][0]));
  return element("h3", Markup("One draw, step by step")) + element("div", {{"data-steps", ""}}, steps);
}

}  // namespace bellman
