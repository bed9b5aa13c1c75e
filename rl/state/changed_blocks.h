// Which parts of a large array have changed since it was last saved, so that a checkpoint copies those and no
// others: the pause that it makes in the training is then that of what is new, not of the whole replay.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "rl/state/row_ranges.h"

namespace bellman {

/// Of an array of so many elements, in blocks of kBlock. A mark is one store. Saves are counted, so the same
/// array may be saved to several places, each of which has seen another number of them.
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
