// Weights with their sums: draws an index in proportion to its weight, and changes a weight, in O(log N).
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "core/tensor.h"

namespace bellman {

/// A complete binary tree (Schaul et al. 2016, appendix B.2.1). Leaves hold weights, every other node the sum
/// of its two children; leaves beyond the capacity, up to a power of two, hold 0. A node's sum is always
/// computed afresh from its children, never adjusted by a difference: so rounding does not pile up, and the
/// tree is the same whatever the order of the updates that led to its leaves.
/// Only the constructor allocates.
class SumTree {
 public:
  /// All weights are 0. Throws: Error for a capacity below 1, or when memory is short.
  explicit SumTree(Index capacity);

  /// Weights are 0 or from kMinWeight to kMaxWeight, so that no sum underflows or overflows.
  static constexpr double kMinWeight = std::numeric_limits<double>::min();
  static constexpr double kMaxWeight = 1e290;

  /// Throws: Error, naming it, when there is no such index or a weight cannot be that.
  void set(Index index, double weight);
  /// The same as set() for one after the other, so that an index that is there more than once gets its last
  /// weight; about 3 times as fast (bench/replay_bench.cpp: 64 of 2^20 weights, one core of an EPYC, a
  /// Release build with AVX2; find_many gains twice without AVX2, and nothing at -O2). Throws: Error when the
  /// spans differ in length, or as set() does; then nothing has changed.
  void set_many(std::span<const Index> indices, std::span<const double> weights);

  /// The index i whose interval [w_0 + .. + w_(i-1), w_0 + .. + w_i) holds `mass`, up to rounding. A mass
  /// below 0 counts as 0, one of total() or more as just below it. Never an index of weight 0.
  /// Throws: Error when all weights are 0, or mass is NaN.
  Index find(double mass) const;
  /// The same as find() for each mass; about 3 times as fast there.
  /// Throws: Error when the spans differ in length, or as find() does.
  void find_many(std::span<Index> indices, std::span<const double> masses) const;

  double total() const { return nodes_[1]; }
  /// Throws: Error when there is no such index.
  double get(Index index) const;
  Index capacity() const { return capacity_; }

  /// All weights (capacity).
  std::span<const double> state() const;
  /// Throws: Error when the length is not capacity(), or as set() does; then nothing has changed.
  void set_state(std::span<const double> weights);

 private:
  std::size_t checked_node(Index index) const;
  void check_mass(double mass) const;

  Index capacity_;
  std::size_t leaves_;         // capacity, rounded up to a power of two
  std::vector<double> nodes_;  // node i has the children 2i and 2i + 1; the root is 1, the leaves come last
};

}  // namespace bellman
