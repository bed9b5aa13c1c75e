#include "apps/page/graph.h"

#include <algorithm>
#include <cstddef>

#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "core/base/text.h"

namespace bellman {
namespace {

constexpr double kColumn = 138, kRow = 54, kBoxWidth = 96, kBoxHeight = 42;

/// As the script writes it: four digits, and a zero without a sign.
std::string shown_value(double value) { return formatted("%.4g", value + 0.0); }

/// One of a node's three texts. `part` names what the script writes there; empty: it stays.
Markup box_text(const GraphNode& node, Literal part, double x, double y, const std::string& words) {
  Attributes place = {{"x", formatted("%g", x)}, {"y", formatted("%g", y)}};
  place.add("class", part.text() == "data-gradient" ? "gradient" : part.text().empty() ? "name" : "value");
  if (!part.text().empty()) place.add(part, node.name);
  return element("text", place, as_text(words));
}

Markup node_box(const GraphNode& node) {
  const double x = kColumn * node.column, y = kRow * node.row;
  return element("g", {{"class", node.op.empty() ? "node leaf" : "node"}, {"data-node", node.name}},
                 leaf("rect", {{"x", formatted("%g", x)},
                               {"y", formatted("%g", y)},
                               {"width", formatted("%g", kBoxWidth)},
                               {"height", formatted("%g", kBoxHeight)},
                               {"rx", "5"}}) +
                     box_text(node, "", x + 7, y + 17, node.name) +
                     box_text(node, "data-value", x + kBoxWidth - 7, y + 17, shown_value(node.value)) +
                     box_text(node, "data-gradient", x + kBoxWidth - 7, y + 35, shown_value(node.gradient))) +
         "\n";
}

Markup drawing(const Graph& graph) {
  const auto find = [&](const std::string& name) {
    const auto found = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                    [&](const GraphNode& node) { return node.name == name; });
    BELLMAN_CHECK(found != graph.nodes.end());
    return found;
  };
  Markup edges, boxes;
  double width = 0, height = 0;
  for (const GraphNode& node : graph.nodes) {
    width = std::max(width, kColumn * node.column + kBoxWidth);
    height = std::max(height, kRow * node.row + kBoxHeight);
    for (const std::string& name : node.of) {
      const GraphNode& from = *find(name);
      edges += leaf("line", {{"class", "grid"},
                             {"x1", formatted("%g", kColumn * from.column + kBoxWidth)},
                             {"y1", formatted("%g", kRow * from.row + kBoxHeight / 2)},
                             {"x2", formatted("%g", kColumn * node.column)},
                             {"y2", formatted("%g", kRow * node.row + kBoxHeight / 2)}});
    }
    boxes += node_box(node);
  }
  return element("div", {{"class", "scroll"}},
                 element("svg",
                         {{"class", "graph"},
                          {"viewBox", formatted("-2 -2 %g %g", width + 4, height + 4)},
                          {"role", "group"},
                          {"aria-label", graph.title}},
                         edges + "\n" + boxes));
}

Markup number_cell(Literal part, const std::string& name, const std::string& words) {
  return element("td", element("span", Attributes().add(part, name), as_text(words)));
}

Markup table_of(const Graph& graph) {
  Markup head, rows;
  for (const char* const title : {"node", "change it", "value", "gradient, backward", "by finite differences",
                                  "formula", "formula of the gradient"})
    head += element("th", {{"scope", "col"}}, as_text(title));
  for (const GraphNode& node : graph.nodes) {
    const bool leaf = node.op.empty();
    const auto if_leaf = [&](const Markup& cell) { return leaf ? cell : element("td", Markup()); };
    rows += element("tr", element("td", as_text(node.name)) +
                              if_leaf(element("td", Attributes().add("data-slider", node.name), Markup())) +
                              number_cell("data-value", node.name, shown_value(node.value)) +
                              number_cell("data-gradient", node.name, shown_value(node.gradient)) +
                              if_leaf(number_cell("data-nudged", node.name, shown_value(node.nudged))) +
                              element("td", as_text(node.formula)) +
                              element("td", as_text(node.gradient_formula))) +
            "\n";
  }
  return element("div", {{"class", "scroll"}},
                 element("table", {{"class", "nodes"}}, element("tr", head) + "\n" + rows));
}

}  // namespace

Markup graph_figure(std::string_view id, const Graph& graph) {
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (const GraphNode& node : graph.nodes) {
    if (node.op.empty())
      nodes.push_back({{"name", node.name}, {"value", node.value}, {"trained", node.trained}});
    else
      nodes.push_back({{"name", node.name}, {"op", node.op}, {"of", node.of}});
  }
  const nlohmann::ordered_json data = {
      {"low", graph.low}, {"high", graph.high}, {"rate", graph.learning_rate}, {"nodes", std::move(nodes)}};
  return element("figure", {{"data-graph", std::string(id)}},
                 element("h3", as_text(graph.title)) + "\n" + drawing(graph) + "\n" +
                     element("figcaption", as_text(graph.how_to_read)) + "\n" + table_of(graph)) +
         "\n" + json_data(id, data.dump());
}

}  // namespace bellman
