// x^a, whose bits are the same on every machine: the one source of core/power.cpp, for a number and for a
// register full of them, and of cuda/power.cuh, for a device.
//
//   x = 2^e m, sqrt(1/2) <= m < sqrt(2)
//   log m = 2 (s + s^3/3 + s^5/5 + ..),  s = (m - 1) / (m + 1)       s^2 <= 0.0295: the rest is below 3e-17 s
//   y = a (e log 2 + log m) = n log 2 + r,  |r| <= log 2 / 2
//   x^a = 2^n (1 + r + r^2/2! + ..)                                  to r^13/13!: the rest is below 5e-18
//
// The sums' roundings make y wrong by at most 3 |y| 2^-53, and that is the result's relative error, with 3
// 2^-53 of the last series. 1^a and x^0 are exactly 1.
#pragma once

#include <cstdint>
#include <cstring>

#include "core/host_device.h"

namespace bellman {

/// T: double or a vector of doubles; Int: whole numbers of the same width, as many. Arithmetic: how products
/// and sums are rounded, each to the nearest number by itself: what must not happen is that both become one
/// fused operation. What is not finite stays what it is.
/// REQUIRES: 1e-300 <= x <= 1e300 where x is finite; 0 <= a <= 1.
template <class T, class Int, class Arithmetic>
class PowerOf {
 public:
  BELLMAN_HOST_DEVICE static T of(T x, double a) {
    constexpr std::int64_t kRootHalf = 0x3FE6A09E667F3BCD;  // the bits of sqrt(1/2)
    constexpr double kLog2High = 0x1.62e42fefa0000p-1, kLog2Low = 0x1.cf79abc9e3b39p-40;
    constexpr double kInfinity = __builtin_huge_val();
    const Int bits = same_bits<Int>(x);
    const Int e = (bits - kRootHalf) >> 52;
    const T m = same_bits<T>(bits - (e << 52));
    const T s = difference(m, one()) / sum(m, one());
    const T z = product(s, s);
    const T series =
        polynomial(z, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19);
    const T log_m = product(number(2), sum(s, product(product(s, z), series)));
    // A whole number up to 2^51 added to kShift is in its last bits.
    const T exponent = difference(same_bits<T>(e + same_bits_of_shift()), number(kShift));
    const T log_x =
        sum(product(exponent, number(kLog2High)), sum(log_m, product(exponent, number(kLog2Low))));
    const T y = product(number(a), log_x);

    const T shifted = sum(product(y, number(1.4426950408889634)), number(kShift));
    const T n = difference(shifted, number(kShift));
    const T r = difference(difference(y, product(n, number(kLog2High))), product(n, number(kLog2Low)));
    const T root =
        polynomial(r, 1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320,
                   1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800);
    const Int scaled = same_bits<Int>(root) + ((same_bits<Int>(shifted) - same_bits_of_shift()) << 52);
    return x < kInfinity ? same_bits<T>(scaled) : x;
  }

 private:
  static constexpr double kShift = 0x1.8p52;

  BELLMAN_HOST_DEVICE static T number(double c) { return T{} + c; }
  BELLMAN_HOST_DEVICE static T one() { return number(1); }
  BELLMAN_HOST_DEVICE static std::int64_t same_bits_of_shift() { return 0x4338000000000000; }
  BELLMAN_HOST_DEVICE static T product(T a, T b) { return Arithmetic::product(a, b); }
  BELLMAN_HOST_DEVICE static T sum(T a, T b) { return Arithmetic::sum(a, b); }
  BELLMAN_HOST_DEVICE static T difference(T a, T b) { return Arithmetic::sum(a, -b); }

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
      return number(c0);
    else
      return sum(number(c0), product(z, polynomial(z, c...)));
  }
};

}  // namespace bellman
