// Mathematics for a number that is one double or a register of them: choices lane by lane, sine and cosine.
// Comparisons give masks, which are combined by & and |. T: as in envs/control/continuous_task.h.
#pragma once

#include "core/base/numeric.h"

namespace bellman {

/// a where the mask holds, else b: lane by lane.
template <class Mask, class T>
BELLMAN_HOST_DEVICE inline T select(Mask mask, T a, T b) {
  return mask ? a : b;
}

/// Whether a mask holds in any lane.
BELLMAN_HOST_DEVICE inline bool any_lane(bool mask) { return mask; }

/// The same number in every lane.
template <class T>
BELLMAN_HOST_DEVICE inline T in_all_lanes(double value) {
  return T{} + value;
}

/// x clipped to [least, most].
template <class T>
BELLMAN_HOST_DEVICE inline T clamped(T x, double least, double most) {
  return select(x < least, in_all_lanes<T>(least), select(x > most, in_all_lanes<T>(most), x));
}

// ---- Sine and cosine by polynomials: the same bits on every machine, independently of libm, and in every
// lane. On the host -ffp-contract=off keeps a product and a sum two roundings.

/// The polynomials' own error is below 3e-17 up to this angle (rad), a little more than 12 degrees.
inline constexpr double kSmallAngle = 0.21;

template <class T>
struct SinCos {
  T sin, cos;
};

// Taylor's series in z = x^2, each summed as (c0 + c1 z) + z^2 ((c2 + c3 z) + z^2 c4), with shorter
// dependency chains than Horner's rule. The omitted terms are at most x^13/13! < 3e-19 in the sine and
// x^12/12! < 2e-17 in the cosine; with rounding both are within 0.6 units in the last place.
/// REQUIRES: |x| <= kSmallAngle, in every lane.
template <class T>
BELLMAN_HOST_DEVICE inline SinCos<T> sin_cos_of_small(T x) {
  const T z = x * x, z2 = z * z;
  const T s =
      (-1.0 / 6 + z * (1.0 / 120)) + z2 * ((-1.0 / 5040 + z * (1.0 / 362880)) + z2 * (-1.0 / 39916800));
  const T c = (-0.5 + z * (1.0 / 24)) + z2 * ((-1.0 / 720 + z * (1.0 / 40320)) + z2 * (-1.0 / 3628800));
  return {x + x * (z * s), 1.0 + z * c};
}

/// The nearest whole number, ties to even. REQUIRES: |x| < 2^51, in every lane.
template <class T>
BELLMAN_HOST_DEVICE inline T nearest_whole(T x) {
  constexpr double kShift = 0x1.8p52;  // from here on the last place is 1
  return (x + kShift) - kShift;
}

/// Up to this angle n pi/2 is exact in the first two parts below.
inline constexpr double kLargestAngle = 0x1p20;

// x = n pi/2 + y + tail with |y| <= pi/4, after Cody and Waite: pi/2 is the sum of parts with 33, 33 and 53
// bits, so n <= 2^20 times either of the first two is exact, and so is x minus the first product. The
// rounding error of the second difference is recovered (Dekker 1971) and goes into the tail. The polynomials
// on [-pi/4, pi/4], and how the tail enters them, are fdlibm's (Sun Microsystems 1993, k_sin.c and k_cos.c).
//   sin(y + n pi/2) = sin y, cos y, -sin y, -cos y   for n = 0, 1, 2, 3 (mod 4)
/// Within one unit in the last place. REQUIRES: |x| <= kLargestAngle, in every lane.
template <class T>
BELLMAN_HOST_DEVICE inline SinCos<T> sin_cos(T x) {
  const T n = nearest_whole(x * 0.63661977236758134308);  // 2/pi
  const T first = x - n * 1.57079632673412561417e+00;
  const T second = n * 6.07710050630396597660e-11;
  const T rest = first - second;
  const T third = n * 2.02226624879595063154e-21 - ((first - rest) - second);
  const T y = rest - third;
  const T tail = (rest - y) - third;

  const T z = y * y, v = z * y;
  const T s = 8.33333333332248946124e-03 +
              z * (-1.98412698298579493134e-04 +
                   z * (2.75573137070700676789e-06 +
                        z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)));
  const T sine = y - ((z * (0.5 * tail - v * s) - tail) - v * -1.66666666666666324348e-01);
  const T c = z * (4.16666666666666019037e-02 +
                   z * (-1.38888888888741095749e-03 +
                        z * (2.48015872894767294178e-05 +
                             z * (-2.75573143513906633035e-07 +
                                  z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)))));
  const T half = 0.5 * z, near = 1.0 - half;
  const T cosine = near + (((1.0 - near) - half) + (z * c - y * tail));

  const T turn = n - 4.0 * nearest_whole(n * 0.25);  // n mod 4: both -2 and 2 mean 2, -1 means 3
  const auto odd = ((turn > 0.5) & (turn < 1.5)) | ((turn < -0.5) & (turn > -1.5));
  const T sin_size = select(odd, cosine, sine), cos_size = select(odd, sine, cosine);
  return {select((turn > 1.5) | (turn < -0.5), -1.0 * sin_size, sin_size),
          select((turn > 0.5) | (turn < -1.5), -1.0 * cos_size, cos_size)};
}

}  // namespace bellman
