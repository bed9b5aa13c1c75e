// Parts of a large array as ranges of its rows: which were written so far, and which have changed since the
// array was last saved. A checkpoint copies only these, so it pauses the training for what is new.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bellman {

/// Rows begin .. end - 1.
struct RowRange {
  std::size_t begin = 0, end = 0;
  bool operator==(const RowRange&) const = default;
};

/// In order, without overlaps. Rows in no range are as they were made: zero, and never touched.
using RowRanges = std::vector<RowRange>;

/// How many rows they are.
inline std::size_t rows_in(std::span<const RowRange> ranges) {
  std::size_t rows = 0;
  for (const RowRange& range : ranges) rows += range.end - range.begin;
  return rows;
}

/// Of an array of so many elements, in blocks of kBlock. A mark is one store. Saves are counted, so the same
/// array may be saved to several places, and each may have seen another number of them.
class ChangedBlocks {
 public:
  static constexpr std::size_t kBlock = 256;

  /// All has changed since save 0: nothing was saved yet.
  explicit ChangedBlocks(std::size_t elements = 0) : marked_((elements + kBlock - 1) / kBlock, 1) {}

  /// Element `index` changes now. REQUIRES: there is one.
  void mark(std::size_t index) { marked_[index / kBlock] = save_; }
  void mark_all() { std::fill(marked_.begin(), marked_.end(), save_); }

  /// Calls copy(begin, end) for each stretch of elements of `ranges` that changed after save `last`; returns
  /// the number of this save.
  template <class Copy>
  std::uint64_t save(std::uint64_t last, std::span<const RowRange> ranges, const Copy& copy) const {
    for (const RowRange& range : ranges) {
      const std::size_t blocks = (range.end + kBlock - 1) / kBlock;
      for (std::size_t begin = range.begin / kBlock; begin < blocks;) {
        if (marked_[begin] <= last) {
          ++begin;
          continue;
        }
        std::size_t end = begin + 1;
        while (end < blocks && marked_[end] > last) ++end;
        copy(std::max(begin * kBlock, range.begin), std::min(end * kBlock, range.end));
        begin = end;
      }
    }
    return save_++;
  }

 private:
  std::vector<std::uint64_t> marked_;  // before which save each block changed last
  mutable std::uint64_t save_ = 1;     // the number of the next one: counting saves changes nothing saved
};

}  // namespace bellman
