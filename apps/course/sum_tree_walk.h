// One draw in a sum-tree, decision by decision.
#pragma once

#include <span>
#include <vector>

#include "apps/page/markup.h"
#include "core/base/tensor.h"

namespace bellman {

/// At a node that is no leaf: the mass that is looked for below it, and the sums of its two children.
struct TreeDecision {
  double mass, left, right;
  bool goes_right;  // with the mass less the left sum
};

struct TreeWalk {
  std::vector<TreeDecision> decisions;  // from the root down
  Index leaf = 0;
};

/// The sums of the binary tree over these weights, level by level, the root's alone in the first. REQUIRES: as many
/// weights as a power of two.
std::vector<std::vector<double>> tree_sums(std::span<const double> weights);

/// The walk down for a mass in [0, total), as SumTree::find defines it.
TreeWalk walk_tree(std::span<const double> weights, double mass);

/// The walk as pictures of the tree, one a decision. The first shows the whole tree.
Markup tree_walk_figure(std::span<const double> weights, double mass);

}  // namespace bellman
