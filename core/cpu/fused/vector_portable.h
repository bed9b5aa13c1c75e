// A vector of four floats in plain C++, for any processor and compiler. GCC and Clang make vector
// instructions of their own vector type; others see a loop over four numbers.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

constexpr int kLanes = 4;
constexpr int kTileRows = 6;

#if defined(__GNUC__)
using Vec = float __attribute__((vector_size(16)));
#else
struct Vec {
  float lane[4];
  float& operator[](int i) { return lane[i]; }
  float operator[](int i) const { return lane[i]; }
};
#endif
using Mask = Vec;  // a lane other than 0: true

/// f(0) .. f(3) as a vector.
template <class F>
inline Vec lanes(F f) {
  Vec v;
  for (int i = 0; i < kLanes; ++i) v[i] = f(i);
  return v;
}

inline Vec load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Vec v) { std::memcpy(p, &v, sizeof v); }
/// The first n lanes, 0 <= n < kLanes; the others are zero, or stay as they are.
inline Vec load_first(const float* p, long long n) {
  return lanes([=](int i) { return i < n ? p[i] : 0.0F; });
}
inline void store_first(float* p, Vec v, long long n) {
  for (int i = 0; i < n; ++i) p[i] = v[i];
}
#if defined(__GNUC__)
inline Vec broadcast(float x) { return Vec{x, x, x, x}; }  // one instruction, where the loop becomes four
inline Vec add(Vec a, Vec b) { return a + b; }
inline Vec sub(Vec a, Vec b) { return a - b; }
inline Vec mul(Vec a, Vec b) { return a * b; }
inline Vec div(Vec a, Vec b) { return a / b; }
/// a b + c, fused where the compiler likes.
inline Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
#else
inline Vec broadcast(float x) {
  return lanes([=](int) { return x; });
}
inline Vec add(Vec a, Vec b) {
  return lanes([=](int i) { return a[i] + b[i]; });
}
inline Vec sub(Vec a, Vec b) {
  return lanes([=](int i) { return a[i] - b[i]; });
}
inline Vec mul(Vec a, Vec b) {
  return lanes([=](int i) { return a[i] * b[i]; });
}
inline Vec div(Vec a, Vec b) {
  return lanes([=](int i) { return a[i] / b[i]; });
}
inline Vec fma(Vec a, Vec b, Vec c) {
  return lanes([=](int i) { return a[i] * b[i] + c[i]; });
}
#endif
inline Vec zero() { return broadcast(0.0F); }
/// a b - c.
inline Vec fms(Vec a, Vec b, Vec c) { return sub(mul(a, b), c); }
/// c - a b.
inline Vec fnma(Vec a, Vec b, Vec c) { return sub(c, mul(a, b)); }
inline Vec root(Vec a) {
  return lanes([=](int i) { return std::sqrt(a[i]); });
}
/// a < b ? a : b, and so b when one is NaN.
inline Vec smaller(Vec a, Vec b) {
  return lanes([=](int i) { return a[i] < b[i] ? a[i] : b[i]; });
}
/// a > 0 ? a : 0: NaN becomes 0, as in core/reference/activations.h.
inline Vec relu(Vec a) {
  return lanes([=](int i) { return a[i] > 0 ? a[i] : 0.0F; });
}
inline Mask greater(Vec a, Vec b) {
  return lanes([=](int i) { return a[i] > b[i] ? 1.0F : 0.0F; });
}
inline Mask equal(Vec a, Vec b) {
  return lanes([=](int i) { return a[i] == b[i] ? 1.0F : 0.0F; });
}
/// mask ? a : b.
inline Vec select(Mask mask, Vec a, Vec b) {
  return lanes([=](int i) { return mask[i] != 0 ? a[i] : b[i]; });
}
inline Vec absolute(Vec a) {
  return lanes([=](int i) { return std::abs(a[i]); });
}
/// 2^n for a whole number n from -126 to 127, given as n + 1.5 2^23, whose lowest bits are n's.
inline Vec power_of_two(Vec shifted) {
  return lanes([=](int i) {
    std::uint32_t bits;
    const float number = shifted[i];
    std::memcpy(&bits, &number, sizeof bits);
    bits = (bits << 23) + 0x3f800000U;
    float power;
    std::memcpy(&power, &bits, sizeof power);
    return power;
  });
}

/// Lane i of the result is the sum of the lanes of v[i].
inline Vec sums_of_lanes(Vec (&v)[4]) {
  return lanes([&](int i) { return (v[i][0] + v[i][2]) + (v[i][1] + v[i][3]); });
}

/// Rows become columns: lane j of v[i] goes to lane i of v[j].
inline void transpose(Vec (&v)[4]) {
  for (int i = 0; i < kLanes; ++i)
    for (int j = 0; j < i; ++j) {
      const float above = v[j][i];
      v[j][i] = v[i][j];
      v[i][j] = above;
    }
}

/// out[i]: element i of each of four rows of four.
inline void columns_of_four(Vec (&out)[4], const float* const (&row)[4]) {
  for (int i = 0; i < kLanes; ++i) out[i] = load(row[i]);
  transpose(out);
}

/// The sum of the squares, as doubles, added to 32 sums.
struct Squares {
  double sum[2][16] = {};

  void add16(const float* x, int k) {
    for (int i = 0; i < 16; ++i) sum[k][i] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  double total() const {
    double result = 0;
    for (int i = 0; i < 8; ++i) result += (sum[0][i] + sum[0][8 + i]) + (sum[1][i] + sum[1][8 + i]);
    return result;
  }
};

}  // namespace
