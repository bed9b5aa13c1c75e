// Which part of a whole each rank has: environments, transitions of a batch, numbers of a gradient.
#pragma once

#include <algorithm>

#include "core/base/tensor.h"

namespace bellman {

/// Elements first .. first + count - 1.
struct RankShare {
  Index first = 0, count = 0;

  Index end() const { return first + count; }
  bool has(Index i) const { return i >= first && i < end(); }
};

/// Rank `rank`'s part of `total` elements: as equal as they can be, in rank order, the first ones have one more.
/// REQUIRES: 0 <= rank < ranks.
inline RankShare share_of(Index total, int rank, int ranks) {
  const Index each = total / ranks, more = total % ranks;
  return {rank * each + std::min<Index>(rank, more), each + (rank < more ? 1 : 0)};
}

/// The rank whose part has element i. REQUIRES: 0 <= i < total.
inline int owner_of(Index i, Index total, int ranks) {
  const Index each = total / ranks, more = total % ranks;
  const Index in_larger = more * (each + 1);
  return static_cast<int>(i < in_larger ? i / (each + 1) : more + (i - in_larger) / each);
}

}  // namespace bellman
