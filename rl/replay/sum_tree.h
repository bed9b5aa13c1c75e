// Weights with their sums: draws an index in proportion to its weight, and changes a weight, in O(log N).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "core/base/memory.h"
#include "core/base/tensor.h"
#include "rl/state/row_ranges.h"

namespace bellman {

/// A complete binary tree (Schaul et al. 2016, appendix B.2.1). Leaves hold weights, every other node the sum
/// of its two children; leaves beyond the capacity, up to a power of two, hold 0. A node's sum is always
/// computed afresh from its children, never adjusted by a difference: so rounding does not pile up, and the
/// tree is the same whatever the order of the updates that led to its leaves.
///
/// Only every third level of it lies in memory, the leaves' level first; the two levels in between are added
/// up again, pair by pair, when a path passes them. Eight neighbours, which share the ancestor three levels
/// up, fill one cache line of 64 bytes:
///
///     level k + 1    .. | sum of the line below | ..                    1/8 as long
///     level k        [ a0  a1  a2  a3  a4  a5  a6  a7 ]                 one cache line
///     the sum        ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))
///
/// So a path through 2^20 weights touches seven lines instead of twenty-one, and the tree takes 8/7 of its
/// weights' memory instead of twice as much. To the last bit the sums are the binary tree's, and what is
/// found is what a walk down the binary tree finds (core/ops/replay_ops.h). Only the constructor allocates.
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
  /// Release build with AVX-512). Throws: Error when the spans differ in length, or as set() does; then
  /// nothing has changed.
  void set_many(std::span<const Index> indices, std::span<const double> weights);

  /// The index i whose interval [w_0 + .. + w_(i-1), w_0 + .. + w_i) holds `mass`, up to rounding. A mass
  /// below 0 counts as 0, one of total() or more as just below it. Never an index of weight 0.
  /// Throws: Error when all weights are 0, or mass is NaN.
  Index find(double mass) const;
  /// The same as find() for each mass; about 10 times as fast there.
  /// Throws: Error when the spans differ in length, or as find() does.
  void find_many(std::span<Index> indices, std::span<const double> masses) const;

  double total() const;
  /// Throws: Error when there is no such index.
  double get(Index index) const;
  Index capacity() const { return capacity_; }

  /// All weights (capacity).
  std::span<const double> state() const { return {nodes_.data(), static_cast<std::size_t>(capacity_)}; }
  /// The weights at the indices of `ranges`, one after the other; all others are 0. Throws: Error when there
  /// is another number of them, or as set() does; then nothing has changed.
  void set_state(std::span<const double> weights, std::span<const RowRange> ranges);
  /// The same of all weights (capacity).
  void set_state(std::span<const double> weights) {
    const RowRange all = {0, static_cast<std::size_t>(capacity_)};
    set_state(weights, {&all, 1});
  }

 private:
  /// Three levels a line: 2^58 weights have 20.
  static constexpr std::size_t kMaxLevels = 20;

  std::size_t checked_index(Index index) const;
  void check_masses(std::span<const double> masses) const;
  void set_paths(std::span<const Index> indices, std::span<const double> weights);
  void find_paths(std::span<Index> indices, std::span<const double> masses) const;

  Index capacity_;
  std::size_t levels_ = 0;                         // that lie in memory
  std::array<std::size_t, kMaxLevels> offsets_{};  // where each of them begins in nodes_, the leaves' at 0
  HostArray<double> nodes_;                        // level after level, each a whole number of cache lines
};

}  // namespace bellman
