// Kernels count with 32 bits, which is cheaper on a device than 64; their launchers make sure that it is
// enough.
#pragma once

#include <limits>

#include "core/base/check.h"
#include "core/base/tensor.h"
#include "cuda/base/dialect.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// Leaves room for a kernel to count past the end by a tile.
inline constexpr Index kLargestCount = std::numeric_limits<int>::max() - (Index{1} << 20);

/// Throws: Error naming `op`, `what` and the count when `count` is above kLargestCount.
inline int checked_int(const char* op, const char* what, Index count) {
  if (count > kLargestCount)
    fail(op, ": ", what, " is ", count, " but this kernel counts to ", kLargestCount, " at most");
  return static_cast<int>(count);
}

/// How many pieces of `piece` cover `count`.
constexpr int pieces(Index count, Index piece) { return static_cast<int>((count + piece - 1) / piece); }

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
