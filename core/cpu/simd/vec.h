// A vector register of floats, by GCC's and Clang's vector extensions: operators work lane by lane, for AVX-512, AVX2, SSE and
// NEON alike (docs/decisions/0028-simd-of-our-own.md). An instruction set has lines of its own only where the extensions
// cannot express what a processor does in one instruction.
//
// The width is the widest that the file is compiled for, or four lanes with BELLMAN_FOUR_LANES. So everything here is in an
// unnamed namespace and calls no function of the standard library: an inline function with external linkage that was
// compiled for AVX-512 could be the one the linker keeps for the whole program.
#pragma once

#include <utility>

#if defined(__AVX2__) && !defined(BELLMAN_FOUR_LANES)
#include <immintrin.h>
#endif

namespace bellman::cpu {
namespace {

#if defined(BELLMAN_FOUR_LANES)
constexpr int kLanes = 4;
#elif defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

/// n numbers.
template <class T, int n>
struct VecOf {
  typedef T type __attribute__((vector_size(n * sizeof(T))));  // NOLINT: an alias would lose the attribute
};
using Vec = VecOf<float, kLanes>::type;
using Vec4 = VecOf<float, 4>::type;
using Bits = VecOf<int, kLanes>::type;
using Mask = Bits;  // what a comparison gives: 0 or -1 in each lane

/// Any alignment.
template <class V = Vec>
inline V load(const float* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
template <class V>
inline void store(float* to, V v) {
  __builtin_memcpy(to, &v, sizeof v);
}

inline Vec broadcast(float x) { return x - Vec{}; }
inline Vec zero() { return Vec{}; }
inline Vec add(Vec a, Vec b) { return a + b; }
inline Vec sub(Vec a, Vec b) { return a - b; }
inline Vec mul(Vec a, Vec b) { return a * b; }
inline Vec div(Vec a, Vec b) { return a / b; }
inline Vec root(Vec a) {
  for (int i = 0; i < kLanes; ++i) a[i] = __builtin_sqrtf(a[i]);
  return a;
}
/// a < b ? a : b, and so b when one is NaN.
inline Vec smaller(Vec a, Vec b) { return a < b ? a : b; }
inline Mask greater(Vec a, Vec b) { return a > b; }
inline Mask equal(Vec a, Vec b) { return a == b; }
/// mask ? a : b.
inline Vec select(Mask mask, Vec a, Vec b) { return mask ? a : b; }
inline Vec absolute(Vec a) { return reinterpret_cast<Vec>(reinterpret_cast<Bits>(a) & 0x7fffffff); }
/// 2^n for a whole number n from -126 to 127, given as n + 1.5 2^23, whose lowest bits are n's.
inline Vec power_of_two(Vec shifted) {
  return reinterpret_cast<Vec>((reinterpret_cast<Bits>(shifted) << 23) + 0x3f800000);
}

// fma: a b + c, rounded once where the processor can. fms: a b - c. fnma: c - a b.
// relu: a > 0 ? a : 0; NaN becomes 0, as in core/reference/activations.h.
// load_first, store_first: the first n lanes, 0 <= n < kLanes; the others are zero, or stay as they are.
#if defined(__AVX512F__) && !defined(BELLMAN_FOUR_LANES)
inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec fms(Vec a, Vec b, Vec c) { return _mm512_fmsub_ps(a, b, c); }
inline Vec fnma(Vec a, Vec b, Vec c) { return _mm512_fnmadd_ps(a, b, c); }
inline Vec relu(Vec a) { return _mm512_max_ps(a, zero()); }
inline __mmask16 first(long long n) { return static_cast<__mmask16>((1U << n) - 1U); }
inline Vec load_first(const float* p, long long n) { return _mm512_maskz_loadu_ps(first(n), p); }
inline void store_first(float* p, Vec v, long long n) { _mm512_mask_storeu_ps(p, first(n), v); }
#elif defined(__AVX2__) && defined(__FMA__) && !defined(BELLMAN_FOUR_LANES)
inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec fms(Vec a, Vec b, Vec c) { return _mm256_fmsub_ps(a, b, c); }
inline Vec fnma(Vec a, Vec b, Vec c) { return _mm256_fnmadd_ps(a, b, c); }
inline Vec relu(Vec a) { return _mm256_max_ps(a, zero()); }
inline __m256i first(long long n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline Vec load_first(const float* p, long long n) { return _mm256_maskload_ps(p, first(n)); }
inline void store_first(float* p, Vec v, long long n) { _mm256_maskstore_ps(p, first(n), v); }
#else
inline Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
inline Vec fms(Vec a, Vec b, Vec c) { return a * b - c; }
inline Vec fnma(Vec a, Vec b, Vec c) { return c - a * b; }
inline Vec relu(Vec a) { return a > zero() ? a : zero(); }
inline Vec load_first(const float* p, long long n) {
  Vec v{};
  for (int i = 0; i < n; ++i) v[i] = p[i];
  return v;
}
inline void store_first(float* p, Vec v, long long n) {
  for (int i = 0; i < n; ++i) p[i] = v[i];
}
#endif

// ---- across lanes

template <auto at, class V, int... i>
inline V shuffle_lanes(V a, V b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, at(i)...);
}
/// Lane i is lane at(i) of a and b, whose lanes are counted one after the other.
template <auto at, class V>
inline V shuffle(V a, V b) {
  return shuffle_lanes<at>(a, b, std::make_integer_sequence<int, sizeof(V) / sizeof(float)>());
}

// In each four lanes: (a0, b0, a1, b1), (a2, b2, a3, b3), (a0, a1, b0, b1), (a2, a3, b2, b3).
template <class V>
inline V unpack_low(V a, V b) {
  return shuffle<[](int i) { return i / 4 * 4 + i % 4 / 2 + i % 2 * int(sizeof(V) / 4); }>(a, b);
}
template <class V>
inline V unpack_high(V a, V b) {
  return shuffle<[](int i) { return i / 4 * 4 + i % 4 / 2 + i % 2 * int(sizeof(V) / 4) + 2; }>(a, b);
}
template <class V>
inline V low_pairs(V a, V b) {
  return shuffle<[](int i) { return i / 4 * 4 + i % 2 + i % 4 / 2 * int(sizeof(V) / 4); }>(a, b);
}
template <class V>
inline V high_pairs(V a, V b) {
  return shuffle<[](int i) { return i / 4 * 4 + i % 2 + i % 4 / 2 * int(sizeof(V) / 4) + 2; }>(a, b);
}
// Every other four lanes of a and then of b.
inline Vec even_fours(Vec a, Vec b) {
  return shuffle<[](int i) { return i / 4 * 8 + i % 4; }>(a, b);
}
inline Vec odd_fours(Vec a, Vec b) {
  return shuffle<[](int i) { return i / 4 * 8 + i % 4 + 4; }>(a, b);
}
/// (a0 + a1, a2 + a3, ..., b0 + b1, b2 + b3, ...).
inline Vec add_neighbours(Vec a, Vec b) {
  return shuffle<[](int i) { return 2 * i; }>(a, b) + shuffle<[](int i) { return 2 * i + 1; }>(a, b);
}

/// The sum of the lanes: neighbours are added, then neighbouring pairs, and so on.
inline float sum_of_lanes(Vec v) {
#pragma GCC unroll 4
  for (int n = kLanes; n > 1; n /= 2) v = add_neighbours(v, v);
  return v[0];
}
/// Lane i of the result is sum_of_lanes(v[i]).
inline Vec sums_of_lanes(Vec (&v)[kLanes]) {
#pragma GCC unroll 4
  for (int n = kLanes; n > 1; n /= 2)
#pragma GCC unroll 8
    for (int i = 0; i < n / 2; ++i) v[i] = add_neighbours(v[2 * i], v[2 * i + 1]);
  return v[0];
}
/// The same sums in another order, with shuffles that stay within four lanes as long as they can: of each four lanes the
/// first and third, the second and fourth, then both; then neighbouring fours.
inline Vec sums_of_fours(Vec (&v)[kLanes]) {
#pragma GCC unroll 4
  for (int j = 0; j < kLanes / 4; ++j) {
    const Vec* const u = v + 4 * j;
    const Vec t0 = unpack_low(u[0], u[1]) + unpack_high(u[0], u[1]);
    const Vec t1 = unpack_low(u[2], u[3]) + unpack_high(u[2], u[3]);
    v[j] = low_pairs(t0, t1) + high_pairs(t0, t1);
  }
#pragma GCC unroll 2
  for (int n = kLanes / 4; n > 1; n /= 2)
#pragma GCC unroll 2
    for (int i = 0; i < n / 2; ++i)
      v[i] = even_fours(v[2 * i], v[2 * i + 1]) + odd_fours(v[2 * i], v[2 * i + 1]);
  return v[0];
}

/// In each four lanes, rows become columns: lane j of v[i] goes to lane i of v[j].
template <class V>
inline void transpose_in_fours(V& v0, V& v1, V& v2, V& v3) {
  const V low01 = unpack_low(v0, v1), high01 = unpack_high(v0, v1);
  const V low23 = unpack_low(v2, v3), high23 = unpack_high(v2, v3);
  v0 = low_pairs(low01, low23);
  v1 = high_pairs(low01, low23);
  v2 = low_pairs(high01, high23);
  v3 = high_pairs(high01, high23);
}
/// Rows become columns: lane j of v[i] goes to lane i of v[j].
inline void transpose(Vec (&v)[kLanes]) {
  constexpr int kFours = kLanes / 4;
#pragma GCC unroll 4
  for (int i = 0; i < kLanes; i += 4) transpose_in_fours(v[i], v[i + 1], v[i + 2], v[i + 3]);
    // Four k of v[4i + j] goes to four i of v[4k + j]: a perfect shuffle, once a bit of a four's place.
#pragma GCC unroll 2
  for (int bit = 1; bit < kFours; bit *= 2) {
    Vec t[kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kLanes / 2; ++i) {
      const Vec a = v[i / 4 * 8 + i % 4], b = v[i / 4 * 8 + 4 + i % 4];
      t[i] = even_fours(a, b);
      t[i + kLanes / 2] = odd_fours(a, b);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) v[i] = t[i];
  }
}

/// row[0], row[4], ...: n / 4 rows, four numbers of each.
template <int n>
inline typename VecOf<float, n>::type load_fours(const float* const* row) {
  if constexpr (n == 4) {
    return load<Vec4>(row[0]);
  } else {
    using Half = typename VecOf<float, n / 2>::type;
    return []<int... i>(Half a, Half b, std::integer_sequence<int, i...>) __attribute__((always_inline)) {
      return __builtin_shufflevector(a, b, i...);
    }
    (load_fours<n / 2>(row), load_fours<n / 2>(row + n / 2), std::make_integer_sequence<int, n>());
  }
}
/// out[i]: element i of each of kLanes rows of four.
inline void columns_of_four(Vec (&out)[4], const float* const (&row)[kLanes]) {
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) out[j] = load_fours<kLanes>(row + j);
  transpose_in_fours(out[0], out[1], out[2], out[3]);
}

}  // namespace
}  // namespace bellman::cpu
