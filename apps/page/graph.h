// A graph of formulas on a page. The reader changes its inputs, by dragging or with sliders, and the page's script computes
// every value and every gradient again. Without the script the numbers that are given here stand there as text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/page/markup.h"

namespace bellman {

struct GraphNode {
  std::string name;
  /// How it is computed from `of`; empty: a number that the reader may change. "affine": of[0] + of[1] of[2] + of[3] of[4] + ...;
  /// "tanh" of one; "half_squared_error": (of[0] - of[1])^2 / 2.
  std::string op;
  std::vector<std::string> of;  // nodes before this one
  std::string formula, gradient_formula;
  double value = 0, gradient = 0;  // gradient: of the last node with respect to this one
  double nudged = 0;               // the gradient by finite differences, of a number that may be changed
  bool trained = false;            // takes part in the page's gradient steps
  double column = 0, row = 0;      // where it is drawn
};

struct Graph {
  std::string title, how_to_read;
  std::vector<GraphNode> nodes;  // in an order of computing; the last is the loss
  double low = -3, high = 3;     // of the numbers that may be changed
  double learning_rate = 0.1;    // of the page's gradient steps
};

/// The drawing, and a table of all nodes. `id` is unique on the page. REQUIRES: every `of` names an earlier node; ops as above.
Markup graph_figure(std::string_view id, const Graph& graph);

}  // namespace bellman
