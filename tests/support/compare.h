// Comparison with a stated bound, which NaN fails.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

#include <doctest/doctest.h>

namespace bellman::test {

/// The largest relative error that a sum of `terms` products of numbers rounded to T can have, if no terms
/// cancel: Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.1, gamma_n = n u / (1 - n
/// u), with two roundings a term. Multiply by the sum of the terms' magnitudes for the absolute bound.
template <class T>
double rounding_bound(double terms) {
  const double u = std::numeric_limits<T>::epsilon() / 2.0;
  const double n = 2.0 * terms;
  return n * u / (1.0 - n * u);
}

/// Every |actual - expected| <= bound[i]. Reports the first index that fails, and both values.
template <class A, class E>
void check_within(std::span<const A> actual, std::span<const E> expected, std::span<const double> bound) {
  REQUIRE(actual.size() == expected.size());
  REQUIRE(actual.size() == bound.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double error = std::abs(static_cast<double>(actual[i]) - static_cast<double>(expected[i]));
    if (!(error <= bound[i])) {
      FAIL_CHECK("element " << i << " is " << actual[i] << ", expected " << expected[i] << " within "
                            << bound[i]);
      return;
    }
  }
}

/// Every |actual - expected| <= relative max(|expected|, scale).
template <class A, class E>
void check_close(std::span<const A> actual, std::span<const E> expected, double relative,
                 double scale = 1.0) {
  REQUIRE(actual.size() == expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double e = static_cast<double>(expected[i]);
    const double error = std::abs(static_cast<double>(actual[i]) - e);
    if (!(error <= relative * std::max(std::abs(e), scale))) {
      FAIL_CHECK("element " << i << " is " << actual[i] << ", expected " << expected[i] << ", relative bound "
                            << relative);
      return;
    }
  }
}

/// The difference is at most `relative` as long as `expected`. A bound of all roundings must suppose that
/// none cancel, and for a deep network allows more than the numbers themselves; this one does not.
template <class A, class E>
void check_length_apart(std::span<const A> actual, std::span<const E> expected, double relative) {
  REQUIRE(actual.size() == expected.size());
  double apart = 0, length = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double e = static_cast<double>(expected[i]), difference = static_cast<double>(actual[i]) - e;
    apart += difference * difference;
    length += e * e;
  }
  CHECK_MESSAGE(std::sqrt(apart) <= relative * std::sqrt(length), std::sqrt(apart), " apart, ",
                std::sqrt(length), " long");
}

}  // namespace bellman::test
