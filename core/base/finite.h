// Whether numbers are finite, many at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace bellman {

/// Neither NaN nor infinity among the numbers. Integers alone, so that the compiler makes vectors of it: a
/// float's exponent is all ones only in those two.
inline bool all_finite(std::span<const float> x) {
  std::uint32_t largest = 0;
  for (const float number : x) {
    const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(number) & 0x7fffffffU;
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest < 0x7f800000U;
}

}  // namespace bellman
