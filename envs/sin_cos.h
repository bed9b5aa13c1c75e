// Sine and cosine of a small angle by two polynomials: the same bits on every machine, whatever its libm, and
// for one angle or a register full of them. On the host -ffp-contract=off keeps a product and a sum two
// roundings.
#pragma once

#include <cmath>

#include "core/host_device.h"

namespace bellman {

/// Up to here the polynomials' own error is below 3e-17 (rad): 12 degrees, and a little more.
inline constexpr double kSmallAngle = 0.21;

template <class T>
struct SinCos {
  T sin, cos;
};

// Taylor's series in z = x^2, each summed as (c0 + c1 z) + z^2 ((c2 + c3 z) + z^2 c4), which waits less than
// Horner's rule. What is left out is at most x^13/13! < 3e-19 of the sine and x^12/12! < 2e-17 of the cosine;
// with the roundings both are within 0.6 units in the last place. T: double, or a vector of doubles.
/// REQUIRES: |x| <= kSmallAngle, in every lane.
template <class T>
BELLMAN_HOST_DEVICE inline SinCos<T> sin_cos_of_small(T x) {
  const T z = x * x, z2 = z * z;
  const T s =
      (-1.0 / 6 + z * (1.0 / 120)) + z2 * ((-1.0 / 5040 + z * (1.0 / 362880)) + z2 * (-1.0 / 39916800));
  const T c = (-0.5 + z * (1.0 / 24)) + z2 * ((-1.0 / 720 + z * (1.0 / 40320)) + z2 * (-1.0 / 3628800));
  return {x + x * (z * s), 1.0 + z * c};
}

/// Any angle.
BELLMAN_HOST_DEVICE inline SinCos<double> sin_cos(double x) {
  if (std::abs(x) <= kSmallAngle) return sin_cos_of_small(x);
  return {std::sin(x), std::cos(x)};
}

}  // namespace bellman
