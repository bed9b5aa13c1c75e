// Parts of a large array, as ranges of its rows: what of a replay was written so far.
#pragma once

#include <cstddef>
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

}  // namespace bellman
