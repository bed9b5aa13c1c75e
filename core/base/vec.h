// A vector register of doubles, and random numbers for each of its lanes.
//
// For .cpp files only: a register's width depends on how a file is compiled, so it must appear in no
// interface.
#pragma once

#include <cstdint>
#include <cstring>

#include "core/base/rng.h"

namespace bellman {

// GCC's and Clang's vector extensions: arithmetic and comparisons are elementwise, each with the bits of the
// same operation on one double. The widest register of the target; without -march=native on x86-64, SSE's two
// doubles.
#if defined(__AVX512F__)
inline constexpr int kDoubleLanes = 8;
#elif defined(__AVX__)
inline constexpr int kDoubleLanes = 4;
#else
inline constexpr int kDoubleLanes = 2;
#endif

using DoubleVec = double __attribute__((vector_size(kDoubleLanes * sizeof(double))));
/// One integer for each double; also the result of a comparison: 0 for false, -1 for true.
using IntVec = std::int64_t __attribute__((vector_size(kDoubleLanes * sizeof(std::int64_t))));

/// Loads and stores at any alignment.
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

/// (a0, b0, a1, b1, ...) of the halves that start at lane kFrom: 0 or kDoubleLanes / 2.
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

/// Transposes a square: lane j of rows[i] becomes lane i of rows[j], by one perfect shuffle per bit of the
/// index.
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

// ---- Philox4x32-10 (core/base/rng.h) with one stream in each lane

/// Words of 32 bits, each in a lane of 64.
using WordVec = std::uint64_t __attribute__((vector_size(kDoubleLanes * sizeof(std::uint64_t))));
struct RandomWordVecs {
  WordVec words[4];
};

/// In lane i: random_words({seed, purpose, index[i]}, step[i], draw).
inline RandomWordVecs random_words(std::uint64_t seed, Purpose purpose, WordVec index, WordVec step,
                                   std::uint32_t draw) {
  constexpr std::uint64_t kLow = 0xffffffff;
  WordVec c0 = WordVec{} + draw, c1 = step & kLow, c2 = step >> 32,
          c3 = (static_cast<std::uint64_t>(purpose) << 24) | index;
  std::uint64_t k0 = seed & kLow, k1 = seed >> 32;
  for (int round = 0; round < 10; ++round) {
    const WordVec a = c0 * 0xD2511F53U, b = c2 * 0xCD9E8D57U;  // high words and low words
    c0 = (b >> 32) ^ c1 ^ k0;
    c1 = b & kLow;
    c2 = (a >> 32) ^ c3 ^ k1;
    c3 = a & kLow;
    k0 = (k0 + 0x9E3779B9U) & kLow;
    k1 = (k1 + 0xBB67AE85U) & kLow;
  }
  return {{c0, c1, c2, c3}};
}

/// uniform_double in every lane.
inline DoubleVec uniform_double(WordVec high, WordVec low) {
  const WordVec bits = ((high << 32) | low) >> 11;
  return __builtin_convertvector(reinterpret_cast<IntVec>(bits), DoubleVec) * 0x1p-53;
}

}  // namespace bellman
