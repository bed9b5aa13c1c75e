// A bench checks its output before it times anything.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace bellman::bench {

/// Every |actual - expected| is at most `relative` of the largest |expected|. False for NaN.
template <class A, class E>
bool close_to(std::span<const A> actual, std::span<const E> expected, double relative = 1e-4) {
  if (actual.size() != expected.size()) return false;
  double largest = 0;
  for (E e : expected) largest = std::max(largest, std::abs(static_cast<double>(e)));
  for (std::size_t i = 0; i < actual.size(); ++i)
    if (!(std::abs(static_cast<double>(actual[i]) - static_cast<double>(expected[i])) <= relative * largest))
      return false;
  return true;
}

}  // namespace bellman::bench
