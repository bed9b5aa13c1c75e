// A vector register of floats, as GCC's and Clang's vector extensions write it: +, - and * are elementwise,
// and the compiler fuses a * b + c where the machine can. The widest register that the target has; without
// -march=native on x86-64 that is SSE's four floats.
#pragma once

#include <cstring>

namespace bellman::cpu {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
inline constexpr int kRegisters = 32;
#elif defined(__AVX__)
inline constexpr int kLanes = 8;
inline constexpr int kRegisters = 16;
#else
inline constexpr int kLanes = 4;
inline constexpr int kRegisters = 16;
#endif

using Vec = float __attribute__((vector_size(kLanes * sizeof(float))));
using Vec4 = float __attribute__((vector_size(4 * sizeof(float))));

/// Any alignment.
template <class V>
inline V load(const float* from) {
  V v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class V>
inline void store(float* to, V v) {
  std::memcpy(to, &v, sizeof v);
}

/// (a0 + a1, a2 + a3, ..., b0 + b1, b2 + b3, ...).
inline Vec add_neighbours(Vec a, Vec b) {
#if defined(__AVX512F__)
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30) +
         __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#elif defined(__AVX__)
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14) +
         __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
#else
  return __builtin_shufflevector(a, b, 0, 2, 4, 6) + __builtin_shufflevector(a, b, 1, 3, 5, 7);
#endif
}

/// Lane i of the result is the sum of the lanes of v[i]: neighbours are added, then neighbouring pairs, and
/// so on.
inline Vec sums_of_lanes(Vec (&v)[kLanes]) {
#pragma GCC unroll 4
  for (int n = kLanes; n > 1; n /= 2)
#pragma GCC unroll 8
    for (int i = 0; i < n / 2; ++i) v[i] = add_neighbours(v[2 * i], v[2 * i + 1]);
  return v[0];
}

/// The sum of the lanes of one vector, in the same order.
inline float sum_of_lanes(Vec v) {
#pragma GCC unroll 4
  for (int n = kLanes; n > 1; n /= 2) v = add_neighbours(v, v);
  return v[0];
}

/// Transposes four rows of four: b[j][i] = a[i][j].
inline void transpose4(Vec4& a0, Vec4& a1, Vec4& a2, Vec4& a3) {
  const Vec4 low01 = __builtin_shufflevector(a0, a1, 0, 4, 1, 5);
  const Vec4 low23 = __builtin_shufflevector(a2, a3, 0, 4, 1, 5);
  const Vec4 high01 = __builtin_shufflevector(a0, a1, 2, 6, 3, 7);
  const Vec4 high23 = __builtin_shufflevector(a2, a3, 2, 6, 3, 7);
  a0 = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
  a1 = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
  a2 = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
  a3 = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
}

}  // namespace bellman::cpu
