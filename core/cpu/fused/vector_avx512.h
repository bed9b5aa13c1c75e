// A vector of sixteen floats: AVX-512.
#pragma once

#include <immintrin.h>

namespace {

using Vec = __m512;
using Mask = __mmask16;
constexpr int kLanes = 16;
constexpr int kTileRows = 8;  // 16 sums, 2 of the right operand, a broadcast: 19 of 32 registers

inline Vec load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
inline Mask first(long long n) { return static_cast<Mask>((1U << n) - 1U); }
/// The first n lanes, 0 <= n < kLanes; the others are zero, or stay as they are.
inline Vec load_first(const float* p, long long n) { return _mm512_maskz_loadu_ps(first(n), p); }
inline void store_first(float* p, Vec v, long long n) { _mm512_mask_storeu_ps(p, first(n), v); }
inline Vec broadcast(float x) { return _mm512_set1_ps(x); }
inline Vec zero() { return _mm512_setzero_ps(); }
inline Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
inline Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
inline Vec root(Vec a) { return _mm512_sqrt_ps(a); }
/// a b + c.
inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
/// a b - c.
inline Vec fms(Vec a, Vec b, Vec c) { return _mm512_fmsub_ps(a, b, c); }
/// c - a b.
inline Vec fnma(Vec a, Vec b, Vec c) { return _mm512_fnmadd_ps(a, b, c); }
/// a < b ? a : b, and so b when one is NaN.
inline Vec smaller(Vec a, Vec b) { return _mm512_min_ps(a, b); }
/// a > 0 ? a : 0: NaN becomes 0, as in core/reference/activations.h.
inline Vec relu(Vec a) { return _mm512_max_ps(a, zero()); }
inline Mask greater(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
inline Mask equal(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
/// mask ? a : b.
inline Vec select(Mask mask, Vec a, Vec b) { return _mm512_mask_blend_ps(mask, b, a); }
inline Vec absolute(Vec a) { return _mm512_abs_ps(a); }
/// 2^n for a whole number n from -126 to 127, given as n + 1.5 2^23, whose lowest bits are n's.
inline Vec power_of_two(Vec shifted) {
  const __m512i n = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
  return _mm512_castsi512_ps(_mm512_add_epi32(n, _mm512_castps_si512(broadcast(1.0F))));
}

// In each four lanes: (a0, b0, a1, b1), (a2, b2, a3, b3), (a0, a1, b0, b1), (a2, a3, b2, b3).
inline Vec unpack_low(Vec a, Vec b) { return _mm512_unpacklo_ps(a, b); }
inline Vec unpack_high(Vec a, Vec b) { return _mm512_unpackhi_ps(a, b); }
inline Vec low_pairs(Vec a, Vec b) { return _mm512_shuffle_ps(a, b, 0x44); }
inline Vec high_pairs(Vec a, Vec b) { return _mm512_shuffle_ps(a, b, 0xee); }
// Fours 0 and 2, 1 and 3, of a and then of b.
inline Vec even_fours(Vec a, Vec b) { return _mm512_shuffle_f32x4(a, b, 0x88); }
inline Vec odd_fours(Vec a, Vec b) { return _mm512_shuffle_f32x4(a, b, 0xdd); }

/// row[0], row[4], row[8], row[12]: four numbers of each.
inline Vec load_fours(const float* const* row) {
  Vec v = _mm512_castps128_ps512(_mm_loadu_ps(row[0]));
  v = _mm512_insertf32x4(v, _mm_loadu_ps(row[4]), 1);
  v = _mm512_insertf32x4(v, _mm_loadu_ps(row[8]), 2);
  return _mm512_insertf32x4(v, _mm_loadu_ps(row[12]), 3);
}
/// The fours of v[j], added up, are four j of the result.
inline Vec sum_of_fours(const Vec (&v)[4]) {
  const Vec low = add(even_fours(v[0], v[1]), odd_fours(v[0], v[1]));
  const Vec high = add(even_fours(v[2], v[3]), odd_fours(v[2], v[3]));
  return add(even_fours(low, high), odd_fours(low, high));
}
/// Four k of v[j + 4i] goes to four i of t[j + 4k].
inline void transpose_fours(Vec (&t)[16], const Vec (&v)[16]) {
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const Vec even_a = even_fours(v[j], v[j + 4]), even_b = even_fours(v[j + 8], v[j + 12]);
    const Vec odd_a = odd_fours(v[j], v[j + 4]), odd_b = odd_fours(v[j + 8], v[j + 12]);
    t[j] = even_fours(even_a, even_b);
    t[j + 8] = odd_fours(even_a, even_b);
    t[j + 4] = even_fours(odd_a, odd_b);
    t[j + 12] = odd_fours(odd_a, odd_b);
  }
}

/// The sum of the squares, as doubles, added to four sums.
struct Squares {
  __m512d sum[4] = {_mm512_setzero_pd(), _mm512_setzero_pd(), _mm512_setzero_pd(), _mm512_setzero_pd()};

  void add16(const float* x, int k) {
    const __m512d low = _mm512_cvtps_pd(_mm256_loadu_ps(x)), high = _mm512_cvtps_pd(_mm256_loadu_ps(x + 8));
    sum[2 * k] = _mm512_fmadd_pd(low, low, sum[2 * k]);
    sum[2 * k + 1] = _mm512_fmadd_pd(high, high, sum[2 * k + 1]);
  }
  double total() const {
    double lanes[8], result = 0;
    _mm512_storeu_pd(lanes, _mm512_add_pd(_mm512_add_pd(sum[0], sum[1]), _mm512_add_pd(sum[2], sum[3])));
    for (const double lane : lanes) result += lane;
    return result;
  }
};

}  // namespace

#include "core/cpu/fused/vector_x86.h"
