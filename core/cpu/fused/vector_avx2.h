// A vector of eight floats: AVX2 and FMA.
#pragma once

#include <immintrin.h>

namespace {

using Vec = __m256;
using Mask = __m256;
constexpr int kLanes = 8;
constexpr int kTileRows = 6;  // 12 sums, 2 of the right operand, a broadcast: 15 of 16 registers

inline Vec load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
inline __m256i first(long long n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
/// The first n lanes, 0 <= n < kLanes; the others are zero, or stay as they are.
inline Vec load_first(const float* p, long long n) { return _mm256_maskload_ps(p, first(n)); }
inline void store_first(float* p, Vec v, long long n) { _mm256_maskstore_ps(p, first(n), v); }
inline Vec broadcast(float x) { return _mm256_set1_ps(x); }
inline Vec zero() { return _mm256_setzero_ps(); }
inline Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
inline Vec div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
inline Vec root(Vec a) { return _mm256_sqrt_ps(a); }
/// a b + c.
inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
/// a b - c.
inline Vec fms(Vec a, Vec b, Vec c) { return _mm256_fmsub_ps(a, b, c); }
/// c - a b.
inline Vec fnma(Vec a, Vec b, Vec c) { return _mm256_fnmadd_ps(a, b, c); }
/// a < b ? a : b, and so b when one is NaN.
inline Vec smaller(Vec a, Vec b) { return _mm256_min_ps(a, b); }
/// a > 0 ? a : 0: NaN becomes 0, as in core/reference/activations.h.
inline Vec relu(Vec a) { return _mm256_max_ps(a, zero()); }
inline Mask greater(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
inline Mask equal(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
/// mask ? a : b.
inline Vec select(Mask mask, Vec a, Vec b) { return _mm256_blendv_ps(b, a, mask); }
inline Vec absolute(Vec a) { return _mm256_andnot_ps(broadcast(-0.0F), a); }
/// 2^n for a whole number n from -126 to 127, given as n + 1.5 2^23, whose lowest bits are n's.
inline Vec power_of_two(Vec shifted) {
  const __m256i n = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(n, _mm256_castps_si256(broadcast(1.0F))));
}

// In each four lanes: (a0, b0, a1, b1), (a2, b2, a3, b3), (a0, a1, b0, b1), (a2, a3, b2, b3).
inline Vec unpack_low(Vec a, Vec b) { return _mm256_unpacklo_ps(a, b); }
inline Vec unpack_high(Vec a, Vec b) { return _mm256_unpackhi_ps(a, b); }
inline Vec low_pairs(Vec a, Vec b) { return _mm256_shuffle_ps(a, b, 0x44); }
inline Vec high_pairs(Vec a, Vec b) { return _mm256_shuffle_ps(a, b, 0xee); }

/// row[0], row[4]: four numbers of each.
inline Vec load_fours(const float* const* row) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(row[0])), _mm_loadu_ps(row[4]), 1);
}
/// The fours of v[j], added up, are four j of the result.
inline Vec sum_of_fours(const Vec (&v)[2]) {
  return add(_mm256_permute2f128_ps(v[0], v[1], 0x20), _mm256_permute2f128_ps(v[0], v[1], 0x31));
}
/// Four k of v[j + 4i] goes to four i of t[j + 4k].
inline void transpose_fours(Vec (&t)[8], const Vec (&v)[8]) {
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    t[j] = _mm256_permute2f128_ps(v[j], v[j + 4], 0x20);
    t[j + 4] = _mm256_permute2f128_ps(v[j], v[j + 4], 0x31);
  }
}

/// The sum of the squares, as doubles, added to eight sums.
struct Squares {
  __m256d sum[8] = {_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(),
                    _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd()};

  void add16(const float* x, int k) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const __m256d value = _mm256_cvtps_pd(_mm_loadu_ps(x + 4 * j));
      sum[4 * k + j] = _mm256_fmadd_pd(value, value, sum[4 * k + j]);
    }
  }
  /// In AVX-512's order: its vectors of eight are pairs of these.
  double total() const {
    double lanes[8], result = 0;
    for (int h = 0; h < 2; ++h)
      _mm256_storeu_pd(lanes + 4 * h, _mm256_add_pd(_mm256_add_pd(sum[h], sum[2 + h]),
                                                    _mm256_add_pd(sum[4 + h], sum[6 + h])));
    for (const double lane : lanes) result += lane;
    return result;
  }
};

}  // namespace

#include "core/cpu/fused/vector_x86.h"
