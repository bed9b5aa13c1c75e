#include "rl/replay/sum_tree.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "core/base/memory.h"
#include "core/base/vec.h"

namespace bellman {

namespace {

constexpr std::size_t kLine = 8;  // doubles in a cache line: the children of one node in memory
// How many paths *_many follow at once: while one waits for memory, the others continue.
constexpr std::size_t kPaths = 64;

constexpr std::size_t kVec = kDoubleLanes;
static_assert(kPaths % kVec == 0 && kLine % kVec == 0);

std::size_t lines_for(std::size_t nodes) { return (nodes + kLine - 1) / kLine; }

/// The ancestor three levels up of a line's nodes: pairs, pairs of pairs, all.
double sum_of_line(const double* a) {
  return ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]));
}

void check_weight(Index index, double weight) {
  if (!(weight == 0 || (weight >= SumTree::kMinWeight && weight <= SumTree::kMaxWeight)))
    fail("the weight of ", index, " is ", weight, ", must be 0 or from ", SumTree::kMinWeight, " to ",
         SumTree::kMaxWeight);
}

/// Paths that go down together, a lane each.
struct Paths {
  DoubleVec rest;  // of the mass
  IntVec node;     // in the present level
};

/// One level of the binary tree for every lane, as find() does it: which of them go right.
IntVec go_right(DoubleVec& rest, DoubleVec left, DoubleVec right) {
  const IntVec goes = (rest >= left) & (right > DoubleVec{});
  rest = goes ? rest - left : rest;
  return goes;
}

/// Three levels: from each lane's line down to one of its eight nodes. `lines`: the level's.
void descend_line(Paths& paths, const double* lines) {
  DoubleVec a[kLine];  // a[j]: node j of every lane's line
#pragma GCC unroll 4
  for (std::size_t part = 0; part < kLine; part += kVec) {
    DoubleVec rows[kVec];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kVec; ++i)
      rows[i] = load_vec<DoubleVec>(lines + static_cast<std::size_t>(paths.node[i]) * kLine + part);
    transpose(rows);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kVec; ++i) a[part + i] = rows[i];
  }
  const DoubleVec a01 = a[0] + a[1], a23 = a[2] + a[3], a45 = a[4] + a[5], a67 = a[6] + a[7];
  const IntVec four = go_right(paths.rest, a01 + a23, a45 + a67);
  const IntVec two = go_right(paths.rest, four ? a45 : a01, four ? a67 : a23);
  const IntVec one = go_right(paths.rest, two ? (four ? a[6] : a[2]) : (four ? a[4] : a[0]),
                              two ? (four ? a[7] : a[3]) : (four ? a[5] : a[1]));
  paths.node = 8 * paths.node - 4 * four - 2 * two - one;  // true is -1
}

}  // namespace

SumTree::SumTree(Index capacity) : capacity_(capacity) {
  if (capacity < 1) fail("a sum-tree of ", capacity, " weights, must have at least 1");
  if (capacity > Index{1} << 58) fail("a sum-tree of ", capacity, " weights, must have at most 2^58");
  std::size_t doubles = 0;
  for (std::size_t nodes = static_cast<std::size_t>(capacity), lines = 0; lines != 1; nodes = lines) {
    lines = lines_for(nodes);
    offsets_[levels_++] = doubles;
    doubles += lines * kLine;
  }
  check_memory(static_cast<Index>(doubles * sizeof(double)), "the sum-tree");
  nodes_ = HostArray<double>(doubles);
}

std::size_t SumTree::checked_index(Index index) const {
  if (index < 0 || index >= capacity_)
    fail("there is no index ", index, " in a sum-tree of ", capacity_, " weights");
  return static_cast<std::size_t>(index);
}

double SumTree::get(Index index) const { return nodes_[checked_index(index)]; }

double SumTree::total() const { return sum_of_line(nodes_.data() + offsets_[levels_ - 1]); }

void SumTree::set(Index index, double weight) {
  std::size_t node = checked_index(index);
  check_weight(index, weight);
  nodes_[node] = weight;
  for (std::size_t level = 1; level < levels_; ++level) {
    node /= kLine;
    nodes_[offsets_[level] + node] = sum_of_line(nodes_.data() + offsets_[level - 1] + node * kLine);
  }
}

void SumTree::set_many(std::span<const Index> indices, std::span<const double> weights) {
  if (indices.size() != weights.size())
    fail("a sum-tree is given ", weights.size(), " weights for ", indices.size(), " indices");
  for (std::size_t i = 0; i < indices.size(); ++i) {
    checked_index(indices[i]);
    check_weight(indices[i], weights[i]);
  }
  for (std::size_t begin = 0; begin < indices.size(); begin += kPaths) {
    const std::size_t n = std::min(kPaths, indices.size() - begin);
    set_paths(indices.subspan(begin, n), weights.subspan(begin, n));
  }
}

// Level by level: when a node is computed, all of its children are final. Of neighbouring paths that meet one
// goes on: the draws of a batch come in order, so those that meet are neighbours. Where others meet, a node
// is computed twice, to the same sum.
void SumTree::set_paths(std::span<const Index> indices, std::span<const double> weights) {
  std::array<std::size_t, kPaths> nodes;
  std::size_t n = indices.size();
  for (std::size_t i = 0; i < n; ++i) {
    nodes[i] = static_cast<std::size_t>(indices[i]);
    nodes_[nodes[i]] = weights[i];
  }
  for (std::size_t level = 1; level < levels_; ++level) {
    const double* const below = nodes_.data() + offsets_[level - 1];
    double* const sums = nodes_.data() + offsets_[level];
    std::size_t kept = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t node = nodes[i] / kLine;
      if (kept > 0 && nodes[kept - 1] == node) continue;
      sums[node] = sum_of_line(below + node * kLine);
      nodes[kept++] = node;
    }
    n = kept;
  }
}

void SumTree::check_masses(std::span<const double> masses) const {
  for (double mass : masses)
    if (std::isnan(mass)) fail("a sum-tree is asked for the index at a mass that is NaN");
  if (!masses.empty() && !(total() > 0)) fail("nothing can be drawn from a sum-tree whose weights are all 0");
}

// From a node whose sum is positive down to a child whose sum is positive: to the left when the mass lies
// within the left child's sum, or when the right one is 0 (where rounding, or a mass of total() or more,
// would lead). With a mass of 0 or more, `mass < left` says that left is positive; and when left is 0, right
// is not.
Index SumTree::find(double mass) const {
  check_masses({&mass, 1});
  mass = std::max(mass, 0.0);
  std::size_t node = 0;
  for (std::size_t level = levels_; level-- > 0;) {
    const double* const a = nodes_.data() + offsets_[level] + node * kLine;
    const double pairs[4] = {a[0] + a[1], a[2] + a[3], a[4] + a[5], a[6] + a[7]};
    const double halves[2] = {pairs[0] + pairs[1], pairs[2] + pairs[3]};
    std::size_t place = 0;  // in the level of the binary tree that it goes to next
    for (const double* sums : {halves, pairs, a}) {
      place *= 2;
      if (mass < sums[place] || sums[place + 1] == 0) continue;
      mass -= sums[place++];
    }
    node = node * kLine + place;
  }
  return static_cast<Index>(node);
}

void SumTree::find_many(std::span<Index> indices, std::span<const double> masses) const {
  if (indices.size() != masses.size())
    fail("a sum-tree is asked for ", indices.size(), " indices of ", masses.size(), " masses");
  check_masses(masses);
  for (std::size_t begin = 0; begin < masses.size(); begin += kPaths) {
    const std::size_t n = std::min(kPaths, masses.size() - begin);
    find_paths(indices.subspan(begin, n), masses.subspan(begin, n));
  }
}

// Level by level, as find() does, without a branch that depends on the masses; the lines of the next level
// are asked for before any of them is needed. Lanes without a mass of their own look for 0.
void SumTree::find_paths(std::span<Index> indices, std::span<const double> masses) const {
  std::array<double, kPaths> rest{};
  for (std::size_t i = 0; i < masses.size(); ++i) rest[i] = std::max(masses[i], 0.0);
  std::array<Paths, kPaths / kVec> paths;
  const std::size_t n = (masses.size() + kVec - 1) / kVec;
  for (std::size_t i = 0; i < n; ++i) paths[i] = {load_vec<DoubleVec>(&rest[i * kVec]), IntVec{}};
  for (std::size_t level = levels_; level-- > 0;) {
    const double* const next = nodes_.data() + (level > 0 ? offsets_[level - 1] : 0);
    for (std::size_t i = 0; i < n; ++i) {
      descend_line(paths[i], nodes_.data() + offsets_[level]);
      if (level == 0) continue;
      for (std::size_t lane = 0; lane < kVec; ++lane)
        __builtin_prefetch(next + static_cast<std::size_t>(paths[i].node[lane]) * kLine);
    }
  }
  for (std::size_t i = 0; i < masses.size(); ++i) indices[i] = paths[i / kVec].node[i % kVec];
}

void SumTree::set_state(std::span<const double> weights, std::span<const RowRange> ranges) {
  if (weights.size() != rows_in(ranges))
    fail("a sum-tree of ", rows_in(ranges), " weights cannot take ", weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) check_weight(static_cast<Index>(i), weights[i]);
  // A 0 is not written again: its memory may be untouched.
  const auto set = [](double& node, double to) {
    if (node != to) node = to;
  };
  std::size_t end = 0;
  for (const RowRange& range : ranges) {
    for (; end < range.begin; ++end) set(nodes_[end], 0);
    std::copy_n(weights.begin(), range.end - range.begin, nodes_.begin() + range.begin);
    weights = weights.subspan(range.end - range.begin);
    end = range.end;
  }
  std::size_t nodes = static_cast<std::size_t>(capacity_);
  for (; end < nodes; ++end) set(nodes_[end], 0);
  for (std::size_t level = 1; level < levels_; ++level) {
    nodes = lines_for(nodes);
    for (std::size_t node = 0; node < nodes; ++node)
      set(nodes_[offsets_[level] + node], sum_of_line(nodes_.data() + offsets_[level - 1] + node * kLine));
  }
}

}  // namespace bellman
