// Numeric functions with the same bits on every host and device: powers, values of schedules; and whether
// numbers are finite.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/base/tensor.h"

/// Marks a function that is compiled for the host and, by a CUDA compiler, for the device too.
#if defined(__CUDACC__)
#define BELLMAN_HOST_DEVICE __host__ __device__
#else
#define BELLMAN_HOST_DEVICE
#endif

namespace bellman {

// ---- x^a with the same bits on every machine, so that all draw the same samples by priority. One template
// serves a number and a register of them (core/base/numeric.cpp), and a device (cuda/base/rounded_double.h).
//
//   x = 2^e m, sqrt(1/2) <= m < sqrt(2)
//   log m = 2 (s + s^3/3 + s^5/5 + ..),  s = (m - 1) / (m + 1)       s^2 <= 0.0295: the rest is below 3e-17 s
//   y = a (e log 2 + log m) = n log 2 + r,  |r| <= log 2 / 2
//   x^a = 2^n (1 + r + r^2/2! + ..)                                  to r^13/13!: the rest is below 5e-18
//
// Rounding makes y wrong by at most 3 |y| 2^-53. The result's relative error is that plus 3 * 2^-53 from the
// last series. 1^a and x^0 are exactly 1.

/// T: double or a vector of doubles; Int: as many integers of the same width. Each product and sum must be
/// rounded by itself: the host compiles this with -ffp-contract=off, and on a device T is RoundedDouble
/// (cuda/base/rounded_double.h). A non-finite x is returned unchanged.
/// REQUIRES: 1e-300 <= x <= 1e300 where x is finite; 0 <= a <= 1.
template <class T, class Int>
class PowerOf {
 public:
  BELLMAN_HOST_DEVICE static T of(T x, double a) {
    constexpr std::int64_t kRootHalf = 0x3FE6A09E667F3BCD;  // the bits of sqrt(1/2)
    constexpr double kLog2High = 0x1.62e42fefa0000p-1, kLog2Low = 0x1.cf79abc9e3b39p-40;
    constexpr double kInfinity = __builtin_huge_val();
    const Int bits = same_bits<Int>(x);
    const Int e = (bits - kRootHalf) >> 52;
    const T m = same_bits<T>(bits - (e << 52));
    const T s = (m - 1.0) / (m + 1.0);
    const T z = s * s;
    const T series =
        polynomial(z, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19);
    const T log_m = 2.0 * (s + s * z * series);
    // An integer up to 2^51 added to kShift appears in its last bits.
    const T exponent = same_bits<T>(e + kShiftBits) - kShift;
    const T log_x = exponent * kLog2High + (log_m + exponent * kLog2Low);
    const T y = a * log_x;

    const T shifted = y * 1.4426950408889634 + kShift;
    const T n = shifted - kShift;
    const T r = y - n * kLog2High - n * kLog2Low;
    const T root =
        polynomial(r, 1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320,
                   1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800);
    const Int scaled = same_bits<Int>(root) + ((same_bits<Int>(shifted) - kShiftBits) << 52);
    return x < T{} + kInfinity ? same_bits<T>(scaled) : x;
  }

 private:
  static constexpr double kShift = 0x1.8p52;
  static constexpr std::int64_t kShiftBits = 0x4338000000000000;

  template <class To, class From>
  BELLMAN_HOST_DEVICE static To same_bits(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
  }
  /// c0 + z (c1 + z (c2 + ..)).
  template <class... C>
  BELLMAN_HOST_DEVICE static T polynomial(T z, double c0, C... c) {
    if constexpr (sizeof...(c) == 0)
      return T{} + c0;
    else
      return c0 + z * polynomial(z, c...);
  }
};

/// x^a, with a relative error of at most (|log x^a| + 1) 2^-51; a non-finite x is returned unchanged.
/// REQUIRES: 1e-300 <= x <= 1e300 where x is finite; 0 <= a <= 1.
double deterministic_pow(double x, double a);

/// x[i] <- deterministic_pow(x[i], a), with the same bits; eight times as fast where registers hold eight
/// doubles.
void deterministic_pow_all(std::span<double> x, double a);

// ---- Values of schedules (rl/config/schedule.h), with the same bits on host and device: no product is
// followed by a sum that a compiler could fuse it with.

/// start + (end - start) step / duration, then exactly `end`; `start` for a negative step.
BELLMAN_HOST_DEVICE inline double on_a_line(double start, double end, Index duration, Index step) {
  if (step >= duration) return end;
  if (step <= 0) return start;
  return fma(end - start, static_cast<double>(step) / static_cast<double>(duration), start);
}

/// x^n by repeated squaring, with a relative error of about n 2^-53; 1 for a negative n.
BELLMAN_HOST_DEVICE inline double whole_power(double x, Index n) {
  double power = 1;
  for (; n > 0; n /= 2, x *= x)
    if (n % 2 != 0) power *= x;
  return power;
}

/// max(floor, start factor^step).
BELLMAN_HOST_DEVICE inline double falling(double start, double factor, double floor, Index step) {
  const double value = start * whole_power(factor, step);
  return value < floor ? floor : value;
}

// ----

/// Whether no number is NaN or infinite. It compares integers, which the compiler vectorises: only those two
/// have an exponent of all ones.
inline bool all_finite(std::span<const float> x) {
  std::uint32_t largest = 0;
  for (const float number : x) {
    const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(number) & 0x7fffffffU;
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest < 0x7f800000U;
}

}  // namespace bellman
