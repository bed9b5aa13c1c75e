// Integer arithmetic of kernels and their launchers. Kernels count with 32 bits, which is cheaper on a device
// than 64; their launchers check that 32 bits are enough.
#pragma once

#include <cstdint>
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

/// A grid of as many blocks as cover `count` items, `in_block` each.
inline dim3 blocks_for(Index count, Index in_block) {
  return dim3(static_cast<unsigned>((count + in_block - 1) / in_block));
}

/// Division by a constant divisor: two instructions in place of about twenty.
///
/// Granlund & Montgomery 1994, "Division by invariant integers using multiplication", figure 4.1. For a
/// divisor d of at least 1, with s = ceil(log2 d) and m = floor(2^32 (2^s - d) / d) + 1:
///   n / d = (floor(n m / 2^32) + n) / 2^s.
/// n stays below 2^31 here, so that the sum fits 32 bits.
class Divisor {
 public:
  /// REQUIRES: divisor >= 1.
  __host__ __device__ explicit Divisor(int divisor) : divisor_(divisor) {
    while ((std::uint64_t{1} << shift_) < static_cast<std::uint64_t>(divisor)) ++shift_;
    const std::uint64_t d = static_cast<std::uint64_t>(divisor);
    multiplier_ = static_cast<std::uint32_t>((((std::uint64_t{1} << shift_) - d) << 32) / d + 1);
  }

  /// REQUIRES: n >= 0.
  __host__ __device__ int quotient(int n) const {
    const std::uint32_t high = static_cast<std::uint32_t>(
        (static_cast<std::uint64_t>(static_cast<std::uint32_t>(n)) * multiplier_) >> 32);
    return static_cast<int>((high + static_cast<std::uint32_t>(n)) >> shift_);
  }
  /// The remainder that belongs to quotient(n).
  __host__ __device__ int remainder(int n, int quotient) const { return n - quotient * divisor_; }

 private:
  int divisor_;
  int shift_ = 0;
  std::uint32_t multiplier_ = 0;
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
