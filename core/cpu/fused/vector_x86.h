// What AVX2 and AVX-512 do alike: their shuffles work within each four lanes. A part of vector_avx2.h and
// vector_avx512.h, which include it after their own operations.
#pragma once

namespace {

/// Lane i of the result is the sum of the lanes of v[i].
inline Vec sums_of_lanes(Vec (&v)[kLanes]) {
  Vec sums[kLanes / 4];  // of v[4j] .. v[4j+3], in each four lanes
#pragma GCC unroll 4
  for (int j = 0; j < kLanes / 4; ++j) {
    const Vec* const u = v + 4 * j;
    const Vec t0 = add(unpack_low(u[0], u[1]), unpack_high(u[0], u[1]));
    const Vec t1 = add(unpack_low(u[2], u[3]), unpack_high(u[2], u[3]));
    sums[j] = add(low_pairs(t0, t1), high_pairs(t0, t1));
  }
  return sum_of_fours(sums);
}

/// Rows become columns: lane j of v[i] goes to lane i of v[j].
inline void transpose(Vec (&v)[kLanes]) {
  Vec t[kLanes];
#pragma GCC unroll 8
  for (int i = 0; i < kLanes; i += 2) {  // pairs of rows, pairs of columns
    t[i] = unpack_low(v[i], v[i + 1]);
    t[i + 1] = unpack_high(v[i], v[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < kLanes; i += 4) {  // v[i + j]: columns j, j+4, .. of rows i .. i+3
    v[i] = low_pairs(t[i], t[i + 2]);
    v[i + 1] = high_pairs(t[i], t[i + 2]);
    v[i + 2] = low_pairs(t[i + 1], t[i + 3]);
    v[i + 3] = high_pairs(t[i + 1], t[i + 3]);
  }
  transpose_fours(t, v);
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) v[i] = t[i];
}

/// out[i]: element i of each of kLanes rows of four.
inline void columns_of_four(Vec (&out)[4], const float* const (&row)[kLanes]) {
  Vec u[4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) u[j] = load_fours(row + j);
  const Vec low_a = unpack_low(u[0], u[1]), low_b = unpack_low(u[2], u[3]);
  const Vec high_a = unpack_high(u[0], u[1]), high_b = unpack_high(u[2], u[3]);
  out[0] = low_pairs(low_a, low_b);
  out[1] = high_pairs(low_a, low_b);
  out[2] = low_pairs(high_a, high_b);
  out[3] = high_pairs(high_a, high_b);
}

}  // namespace
