#include "rl/sum_tree.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "core/check.h"
#include "core/check_memory.h"

namespace bellman {

namespace {

// How many paths *_many follow at once: while one waits for memory, the others go on.
constexpr std::size_t kPaths = 16;

std::size_t leaves_for(Index capacity) {
  if (capacity < 1) fail("a sum-tree of ", capacity, " weights, must have at least 1");
  if (capacity > Index{1} << 58) fail("a sum-tree of ", capacity, " weights, must have at most 2^58");
  const std::size_t leaves = std::bit_ceil(static_cast<std::size_t>(capacity));
  check_memory(static_cast<Index>(2 * leaves * sizeof(double)), "the sum-tree");
  return leaves;
}

void check_weight(Index index, double weight) {
  if (!(weight == 0 || (weight >= SumTree::kMinWeight && weight <= SumTree::kMaxWeight)))
    fail("the weight of ", index, " is ", weight, ", must be 0 or from ", SumTree::kMinWeight, " to ",
         SumTree::kMaxWeight);
}

}  // namespace

SumTree::SumTree(Index capacity)
    : capacity_(capacity), leaves_(leaves_for(capacity)), nodes_(2 * leaves_, 0.0) {}

std::size_t SumTree::checked_node(Index index) const {
  if (index < 0 || index >= capacity_)
    fail("there is no index ", index, " in a sum-tree of ", capacity_, " weights");
  return leaves_ + static_cast<std::size_t>(index);
}

double SumTree::get(Index index) const { return nodes_[checked_node(index)]; }

void SumTree::set(Index index, double weight) {
  std::size_t node = checked_node(index);
  check_weight(index, weight);
  nodes_[node] = weight;
  for (node /= 2; node > 0; node /= 2) nodes_[node] = nodes_[2 * node] + nodes_[2 * node + 1];
}

void SumTree::set_many(std::span<const Index> indices, std::span<const double> weights) {
  if (indices.size() != weights.size())
    fail("a sum-tree is given ", weights.size(), " weights for ", indices.size(), " indices");
  for (std::size_t i = 0; i < indices.size(); ++i) {
    checked_node(indices[i]);
    check_weight(indices[i], weights[i]);
  }
  // Level by level: when a node is computed, both of its children are final. A node above two of the paths
  // is computed twice, to the same sum.
  std::array<std::size_t, kPaths> nodes;
  for (std::size_t begin = 0; begin < indices.size(); begin += kPaths) {
    const std::size_t n = std::min(kPaths, indices.size() - begin);
    for (std::size_t i = 0; i < n; ++i) {
      nodes[i] = leaves_ + static_cast<std::size_t>(indices[begin + i]);
      nodes_[nodes[i]] = weights[begin + i];
    }
    for (std::size_t level = leaves_; level > 1; level /= 2)
      for (std::size_t i = 0; i < n; ++i) {
        nodes[i] /= 2;
        nodes_[nodes[i]] = nodes_[2 * nodes[i]] + nodes_[2 * nodes[i] + 1];
      }
  }
}

void SumTree::check_mass(double mass) const {
  if (std::isnan(mass)) fail("a sum-tree is asked for the index at a mass that is NaN");
  if (!(total() > 0)) fail("nothing can be drawn from a sum-tree whose weights are all 0");
}

// From a node whose sum is positive down to a child whose sum is positive: to the left when the mass lies
// within the left child's sum, or when the right one is 0 (where rounding, or a mass of total() or more,
// would lead). With a mass of 0 or more, `mass < left` says that left is positive; and when left is 0, right
// is not.
Index SumTree::find(double mass) const {
  check_mass(mass);
  mass = std::max(mass, 0.0);
  std::size_t node = 1;
  while (node < leaves_) {
    const double left = nodes_[2 * node], right = nodes_[2 * node + 1];
    if (mass < left || right == 0) {
      node = 2 * node;
    } else {
      mass -= left;
      node = 2 * node + 1;
    }
  }
  return static_cast<Index>(node - leaves_);
}

void SumTree::find_many(std::span<Index> indices, std::span<const double> masses) const {
  if (indices.size() != masses.size())
    fail("a sum-tree is asked for ", indices.size(), " indices of ", masses.size(), " masses");
  for (double mass : masses) check_mass(mass);
  std::array<std::size_t, kPaths> nodes;
  std::array<double, kPaths> rest;
  for (std::size_t begin = 0; begin < masses.size(); begin += kPaths) {
    const std::size_t n = std::min(kPaths, masses.size() - begin);
    for (std::size_t i = 0; i < n; ++i) {
      nodes[i] = 1;
      rest[i] = std::max(masses[begin + i], 0.0);
    }
    // Level by level, as find() does, without a branch that depends on the masses.
    for (std::size_t level = 1; level < leaves_; level *= 2)
      for (std::size_t i = 0; i < n; ++i) {
        const double left = nodes_[2 * nodes[i]], right = nodes_[2 * nodes[i] + 1];
        const bool go_right = !(rest[i] < left) & (right > 0);
        rest[i] -= go_right ? left : 0.0;
        nodes[i] = 2 * nodes[i] + (go_right ? 1 : 0);
      }
    for (std::size_t i = 0; i < n; ++i) indices[begin + i] = static_cast<Index>(nodes[i] - leaves_);
  }
}

std::span<const double> SumTree::state() const {
  return {nodes_.data() + leaves_, static_cast<std::size_t>(capacity_)};
}

void SumTree::set_state(std::span<const double> weights) {
  if (weights.size() != static_cast<std::size_t>(capacity_))
    fail("a sum-tree of ", capacity_, " weights cannot take ", weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) check_weight(static_cast<Index>(i), weights[i]);
  std::copy(weights.begin(), weights.end(), nodes_.begin() + static_cast<std::ptrdiff_t>(leaves_));
  for (std::size_t node = leaves_ - 1; node > 0; --node)
    nodes_[node] = nodes_[2 * node] + nodes_[2 * node + 1];
}

}  // namespace bellman
