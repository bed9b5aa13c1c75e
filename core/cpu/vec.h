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

/// The sum of the lanes, in a fixed order: halves added until one is left.
inline float sum_of_lanes(Vec v) {
  float lane[kLanes];
  std::memcpy(lane, &v, sizeof v);
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  return lane[0];
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
