// A vector register of doubles, as GCC's and Clang's vector extensions write it: arithmetic and comparisons
// are elementwise, each with the bits of the same operation on one double. The widest register that the
// target has; without -march=native on x86-64 that is SSE's two doubles.
//
// For .cpp files only: its width depends on how a file is compiled, so it must appear in no interface.
#pragma once

#include <cstdint>
#include <cstring>

namespace bellman {

#if defined(__AVX512F__)
inline constexpr int kDoubleLanes = 8;
#elif defined(__AVX__)
inline constexpr int kDoubleLanes = 4;
#else
inline constexpr int kDoubleLanes = 2;
#endif

using DoubleVec = double __attribute__((vector_size(kDoubleLanes * sizeof(double))));
/// Whole numbers, one beside each double; what a comparison gives: 0 for false, -1 for true.
using IntVec = std::int64_t __attribute__((vector_size(kDoubleLanes * sizeof(std::int64_t))));

/// Any alignment.
template <class V, class T>
inline V load_vec(const T* from) {
  V v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
template <class V, class T>
inline void store_vec(T* to, V v) {
  std::memcpy(static_cast<void*>(to), &v, sizeof v);
}

/// (a0, b0, a1, b1, ...) of the halves that begin at lane kFrom: 0, or kDoubleLanes / 2.
template <int kFrom>
inline DoubleVec interleave(DoubleVec a, DoubleVec b) {
  constexpr int k = kFrom, n = kFrom + kDoubleLanes;  // the first lane of a's half, and of b's
#if defined(__AVX512F__)
  return __builtin_shufflevector(a, b, k, n, k + 1, n + 1, k + 2, n + 2, k + 3, n + 3);
#elif defined(__AVX__)
  return __builtin_shufflevector(a, b, k, n, k + 1, n + 1);
#else
  return __builtin_shufflevector(a, b, k, n);
#endif
}

/// Transposes a square: lane j of rows[i] becomes lane i of rows[j]. A perfect shuffle of all numbers, once a
/// bit of their place.
inline void transpose(DoubleVec (&rows)[kDoubleLanes]) {
#pragma GCC unroll 4
  for (int bit = 1; bit < kDoubleLanes; bit *= 2) {
    DoubleVec shuffled[kDoubleLanes];
#pragma GCC unroll 4
    for (int i = 0; i < kDoubleLanes / 2; ++i) {
      shuffled[2 * i] = interleave<0>(rows[i], rows[i + kDoubleLanes / 2]);
      shuffled[2 * i + 1] = interleave<kDoubleLanes / 2>(rows[i], rows[i + kDoubleLanes / 2]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < kDoubleLanes; ++i) rows[i] = shuffled[i];
  }
}

}  // namespace bellman
