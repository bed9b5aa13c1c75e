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
/// a > 0 ? a : 0: NaN becomes 0, as in core/reference/relu.h.
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

/// Lane i of the result is the sum of the lanes of v[i].
inline Vec sums_of_lanes(Vec (&v)[16]) {
  Vec four[4];  // v[4j] .. v[4j+3], in each quarter
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const Vec t0 =
        add(_mm512_unpacklo_ps(v[4 * j], v[4 * j + 1]), _mm512_unpackhi_ps(v[4 * j], v[4 * j + 1]));
    const Vec t1 =
        add(_mm512_unpacklo_ps(v[4 * j + 2], v[4 * j + 3]), _mm512_unpackhi_ps(v[4 * j + 2], v[4 * j + 3]));
    four[j] = add(_mm512_shuffle_ps(t0, t1, 0x44), _mm512_shuffle_ps(t0, t1, 0xee));
  }
  const Vec low =
      add(_mm512_shuffle_f32x4(four[0], four[1], 0x88), _mm512_shuffle_f32x4(four[0], four[1], 0xdd));
  const Vec high =
      add(_mm512_shuffle_f32x4(four[2], four[3], 0x88), _mm512_shuffle_f32x4(four[2], four[3], 0xdd));
  return add(_mm512_shuffle_f32x4(low, high, 0x88), _mm512_shuffle_f32x4(low, high, 0xdd));
}

/// Rows become columns: lane j of v[i] goes to lane i of v[j].
inline void transpose(Vec (&v)[16]) {
  Vec t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {  // pairs of rows, pairs of columns
    t[i] = _mm512_unpacklo_ps(v[i], v[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(v[i], v[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {  // v[i + j]: columns j, j+4, j+8, j+12 of rows i .. i+3
    v[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
    v[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
    v[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    v[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {  // quarters
    const Vec low_a = _mm512_shuffle_f32x4(v[j], v[j + 4], 0x88),
              low_b = _mm512_shuffle_f32x4(v[j + 8], v[j + 12], 0x88);
    const Vec high_a = _mm512_shuffle_f32x4(v[j], v[j + 4], 0xdd),
              high_b = _mm512_shuffle_f32x4(v[j + 8], v[j + 12], 0xdd);
    t[j] = _mm512_shuffle_f32x4(low_a, low_b, 0x88);
    t[j + 8] = _mm512_shuffle_f32x4(low_a, low_b, 0xdd);
    t[j + 4] = _mm512_shuffle_f32x4(high_a, high_b, 0x88);
    t[j + 12] = _mm512_shuffle_f32x4(high_a, high_b, 0xdd);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) v[i] = t[i];
}

/// out[i]: element i of each of sixteen rows of four.
inline void columns_of_four(Vec (&out)[4], const float* const (&row)[16]) {
  Vec z[4];  // rows j, j+4, j+8, j+12
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    z[j] = _mm512_castps128_ps512(_mm_loadu_ps(row[j]));
    z[j] = _mm512_insertf32x4(z[j], _mm_loadu_ps(row[j + 4]), 1);
    z[j] = _mm512_insertf32x4(z[j], _mm_loadu_ps(row[j + 8]), 2);
    z[j] = _mm512_insertf32x4(z[j], _mm_loadu_ps(row[j + 12]), 3);
  }
  const Vec low_a = _mm512_unpacklo_ps(z[0], z[1]), low_b = _mm512_unpacklo_ps(z[2], z[3]);
  const Vec high_a = _mm512_unpackhi_ps(z[0], z[1]), high_b = _mm512_unpackhi_ps(z[2], z[3]);
  out[0] = _mm512_shuffle_ps(low_a, low_b, 0x44);
  out[1] = _mm512_shuffle_ps(low_a, low_b, 0xee);
  out[2] = _mm512_shuffle_ps(high_a, high_b, 0x44);
  out[3] = _mm512_shuffle_ps(high_a, high_b, 0xee);
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
