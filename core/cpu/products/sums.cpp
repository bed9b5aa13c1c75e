// Sums along contiguous rows: products of rows, columns of a matrix, numbers and their squares.
#include "core/cpu/products/matrix.h"
#include "core/cpu/simd/vec.h"

namespace bellman::cpu {
namespace {

struct Product {
  Matrix<float> c;
  Matrix<const float> a, b;
  Write write;
};

/// c[i .. i+R, j .. j+S). Each loaded vector of a is used S times, each of b R times. REQUIRES: R S is 1 or
/// kLanes.
template <int R, int S>
void block(const Product& product, Index i, Index j) {
  const auto& [c, a, b, write] = product;
  const float* row[R];
  const float* column[S];
  for (int r = 0; r < R; ++r) row[r] = a.at(i + r, 0);
  for (int s = 0; s < S; ++s) column[s] = b.at(0, j + s);

  Vec sum[R * S] = {};
  const Index K = a.columns;
  Index k = 0;
  for (; k + kLanes <= K; k += kLanes) {
    Vec b_k[S];
#pragma GCC unroll 16
    for (int s = 0; s < S; ++s) b_k[s] = load<Vec>(column[s] + k);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec a_k = load<Vec>(row[r] + k);
#pragma GCC unroll 16
      for (int s = 0; s < S; ++s) sum[r * S + s] += a_k * b_k[s];
    }
  }

  float total[R * S];
  if constexpr (R * S == kLanes)
    store(total, sums_of_lanes(sum));
  else
    total[0] = sum_of_lanes(sum[0]);
  for (int r = 0; r < R; ++r)
    for (int s = 0; s < S; ++s) {
      float result = total[r * S + s];
      for (Index rest = k; rest < K; ++rest) result += row[r][rest] * column[s][rest];
      if (write.bias) result += write.bias[j + s];
      float& to = *c.at(i + r, j + s);
      to = write.accumulate ? to + result : result;
    }
}

/// c[0 .. rows, j .. j+S), R rows at a time, and the last few one by one.
template <int R, int S>
void down(const Product& product, Index rows, Index j) {
  Index i = 0;
  for (; i + R <= rows; i += R) block<R, S>(product, i, j);
  for (; i < rows; ++i)
    for (int s = 0; s < S; ++s) block<1, 1>(product, i, j + s);
}

/// Row i of c.
void across(const Product& product, Index i) {
  Index j = 0;
  for (; j + kLanes <= product.c.columns; j += kLanes) block<1, kLanes>(product, i, j);
  for (; j < product.c.columns; ++j) block<1, 1>(product, i, j);
}

}  // namespace

void dot_products(Matrix<float> c, Matrix<const float> a, Matrix<const float> b, Write write) {
  constexpr int kSide = 4;
  const Product product = {c, a, b, write};
  const Index rows = c.rows / kSide * kSide;
  // Columns outside: b is a layer's weights, often too many for a cache, which are read once so.
  Index j = 0;
  for (; j + kLanes / kSide <= c.columns; j += kLanes / kSide) down<kSide, kLanes / kSide>(product, rows, j);
  for (; j + 2 <= c.columns; j += 2) down<kLanes / 2, 2>(product, rows, j);
  for (; j < c.columns; ++j) down<kLanes, 1>(product, rows, j);
  for (Index i = rows; i < c.rows; ++i) across(product, i);
}

void add_column_sums(float* sum, Matrix<const float> m) {
  constexpr int kVectors = 4;  // independent sums, to hide the latency of the addition
  Index j = 0;
  for (; j + kVectors * kLanes <= m.columns; j += kVectors * kLanes) {
    Vec total[kVectors] = {};
    for (Index i = 0; i < m.rows; ++i)
      for (int v = 0; v < kVectors; ++v) total[v] += load<Vec>(m.at(i, j + v * kLanes));
    for (int v = 0; v < kVectors; ++v)
      store(sum + j + v * kLanes, load<Vec>(sum + j + v * kLanes) + total[v]);
  }
  for (; j < m.columns; ++j) {
    float total = 0;
    for (Index i = 0; i < m.rows; ++i) total += *m.at(i, j);
    sum[j] += total;
  }
}

float sum(const float* x, Index n) {
  Vec total = {};
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) total += load<Vec>(x + i);
  float rest = 0;
  for (; i < n; ++i) rest += x[i];
  return sum_of_lanes(total) + rest;
}

double sum_of_squares(const float* x, Index n) {
  constexpr int kSums = 16;  // independent, so that the compiler makes vectors of them
  double total[kSums] = {};
  Index i = 0;
  for (; i + kSums <= n; i += kSums)
    for (int k = 0; k < kSums; ++k) {
      const double value = x[i + k];
      total[k] += value * value;
    }
  for (; i < n; ++i) total[0] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  for (int k = 1; k < kSums; ++k) total[0] += total[k];
  return total[0];
}

}  // namespace bellman::cpu
