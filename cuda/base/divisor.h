// Division by a number that stays the same: two instructions in place of about twenty.
//
// Granlund & Montgomery 1994, "Division by invariant integers using multiplication", figure 4.1. For a
// divisor d of at least 1, with s = ceil(log2 d) and m = floor(2^32 (2^s - d) / d) + 1:
//   n / d = (floor(n m / 2^32) + n) / 2^s.
// n stays below 2^31 here, so that the sum fits 32 bits.
#pragma once

#include <cstdint>

#include "cuda/base/dialect.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

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
