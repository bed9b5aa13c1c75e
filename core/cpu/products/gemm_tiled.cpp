// The gain over gemm_eigen in a learn step, medians on one shared Zen 4 core (AVX-512, g++ 12;
// learn_step_bench):
//   4-64-64-2, batch 64:   35 us for 43       8-256-256-4, batch 128: 0.89 ms for 1.04
//   120-84, batch 128:    164 us for 201
// Convolutions, and dense layers with more weights than a cache holds, have products of their own:
// core/cpu/products/panel_conv.h, core/cpu/dense.cpp.
//
// A tile of kRows x 2 vectors of c stays in registers while k runs:
//
//                        b[k, j..j+W)          W = 2 vectors of columns: a panel
//                        ------------
//   a[i  , k]  broadcast | c  |  c  |
//   a[i+1, k]  broadcast | c  |  c  |          each step of k: 2 loads of b, kRows broadcasts of a,
//      ...               |    |     |          2 kRows fused multiply-adds
//
// Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication", without packing a: at these
// sizes copying it costs more than it gains. A panel of b is copied only when b lies transposed (then its
// rows must become columns), when the panel is cut off at the edge, or when it would not stay in the first
// cache.
#include <algorithm>

#include "core/base/check.h"
#include "core/cpu/products/matrix.h"
#include "core/cpu/simd/vec.h"

namespace bellman::cpu {
namespace {

// Accumulators, one row of b and one broadcast must fit the registers; and enough independent sums to hide
// the latency of the multiply-add (4 cycles, 2 a cycle).
constexpr int kRows = kRegisters == 32 ? 8 : 6;
constexpr int kVectors = 2;
constexpr Index kWidth = kVectors * kLanes;
constexpr Index kPanel = 4096;                  // floats of a packed panel: 16 KiB, half of a first cache
constexpr Index kPanelDepth = kPanel / kWidth;  // steps of k a panel has
constexpr Index kDirect = 6144;                 // floats of b up to which it is read where it lies: 24 KiB
constexpr Index kNarrow = 64;  // floats of a row of b up to which rows follow each other closely enough, too
constexpr Index kFew = 4;      // up to so few rows or columns are computed as dot products

/// One panel's worth of work.
struct Strip {
  Matrix<float> c;        // (rows, width) the columns of c that the panel gives
  Matrix<const float> a;  // (rows, depth)
  const float* b;         // (depth, V vectors)
  Index b_stride;
  const float* bias;  // (V vectors), or null
  bool accumulate;
};

void write_number(const Strip& strip, Index i, Index j, float result) {
  if (strip.bias) result += strip.bias[j];
  float* c = strip.c.at(i, j);
  *c = strip.accumulate ? *c + result : result;
}

/// c[i .. i+rows) of a strip, from sums(rows, width): at an edge, or where c lies transposed.
void write_apart(const Strip& strip, Index i, Index rows, const float* sums, Index width) {
  const Index columns = strip.c.columns;
  Index r = 0;
  if (strip.c.row_stride == 1)  // four columns of c, each contiguous, at a time
    for (; r + 4 <= rows; r += 4) {
      Index j = 0;
      for (; j + 4 <= columns; j += 4) {
        Vec4 four[4];
        for (int t = 0; t < 4; ++t) four[t] = load<Vec4>(sums + (r + t) * width + j);
        transpose_in_fours(four[0], four[1], four[2], four[3]);
        for (int t = 0; t < 4; ++t) {
          float* c = strip.c.at(i + r, j + t);
          if (strip.bias) four[t] += strip.bias[j + t];
          if (strip.accumulate) four[t] += load<Vec4>(c);
          store(c, four[t]);
        }
      }
      for (; j < columns; ++j)
        for (int t = 0; t < 4; ++t) write_number(strip, i + r + t, j, sums[(r + t) * width + j]);
    }
  for (; r < rows; ++r)
    for (Index j = 0; j < columns; ++j) write_number(strip, i + r, j, sums[r * width + j]);
}

/// c[i .. i+R) of a strip, V vectors wide.
template <int R, int V>
void tile(const Strip& strip, Index i) {
  Vec sum[R][V] = {};
  const float* a = strip.a.at(i, 0);
  const float* b = strip.b;
  const Index row = strip.a.row_stride, step = strip.a.column_stride, b_stride = strip.b_stride;
  for (Index k = strip.a.columns; k > 0; --k, a += step, b += b_stride) {
    Vec b_k[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) b_k[v] = load<Vec>(b + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const float a_k = a[r * row];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[r][v] += a_k * b_k[v];
    }
  }
  if (strip.c.column_stride == 1 && strip.c.columns == V * kLanes) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      float* c = strip.c.at(i + r, 0);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v, c += kLanes) {
        Vec result = sum[r][v];
        if (strip.bias) result += load<Vec>(strip.bias + v * kLanes);
        if (strip.accumulate) result += load<Vec>(c);
        store(c, result);
      }
    }
    return;
  }
  float out[R][V * kLanes];
  __builtin_memcpy(out, sum, sizeof out);
  write_apart(strip, i, R, out[0], V * kLanes);
}

/// The last `rows` < kRows rows.
template <int R, int V>
void last_rows(const Strip& strip, Index rows) {
  if constexpr (R > 0) {
    if (rows == R)
      tile<R, V>(strip, strip.c.rows - R);
    else
      last_rows<R - 1, V>(strip, rows);
  }
}

template <int V>
void all_rows(const Strip& strip) {
  Index i = 0;
  for (; i + kRows <= strip.c.rows; i += kRows) tile<kRows, V>(strip, i);
  last_rows<kRows - 1, V>(strip, strip.c.rows - i);
}

/// Columns j .. j+4 of b, each contiguous, become columns of a panel: four by four numbers at a time.
void pack_four(float* panel, Index width, Matrix<const float> b, Index j) {
  const float* column[4];
  for (int r = 0; r < 4; ++r) column[r] = b.at(0, j + r);
  Index k = 0;
  for (; k + 4 <= b.rows; k += 4) {
    Vec4 four[4];
    for (int r = 0; r < 4; ++r) four[r] = load<Vec4>(column[r] + k);
    transpose_in_fours(four[0], four[1], four[2], four[3]);
    for (int r = 0; r < 4; ++r, panel += width) store(panel, four[r]);
  }
  for (; k < b.rows; ++k, panel += width)
    for (int r = 0; r < 4; ++r) panel[r] = column[r][k];
}

/// panel(K, width) = b(K,N), zero in the columns beyond N. N <= width.
void pack(float* panel, Index width, Matrix<const float> b) {
  if (b.column_stride == 1) {
    for (Index k = 0; k < b.rows; ++k, panel += width) {
      std::copy_n(b.at(k, 0), b.columns, panel);
      std::fill(panel + b.columns, panel + width, 0.0F);
    }
    return;
  }
  Index j = 0;
  for (; j + 4 <= b.columns; j += 4) pack_four(panel + j, width, b, j);
  for (Index k = 0; k < b.rows; ++k) {
    for (Index rest = j; rest < b.columns; ++rest) panel[k * width + rest] = *b.at(k, rest);
    std::fill(panel + k * width + b.columns, panel + (k + 1) * width, 0.0F);
  }
}

void panels(Matrix<float> c, Matrix<const float> a, Matrix<const float> b, Write write) {
  alignas(64) float packed[kPanel];
  alignas(64) float padded_bias[kWidth];
  const bool direct = b.column_stride == 1 &&
                      (b.rows * b.row_stride <= kDirect || b.row_stride <= kNarrow || c.rows <= kRows);
  for (Index k = 0; k == 0 || k < a.columns; k += kPanelDepth) {  // once even for K = 0: c = bias
    const Index depth = std::min(kPanelDepth, a.columns - k);
    for (Index j = 0; j < c.columns; j += kWidth) {
      const Index columns = std::min(kWidth, c.columns - j);
      const Index width = columns > kLanes ? kWidth : Index{kLanes};
      const Matrix<const float> b_panel = b.block(k, j, depth, columns);
      Strip strip = {
          c.block(0, j, c.rows, columns), a.block(0, k, c.rows, depth), b_panel.data, b.row_stride, nullptr,
          write.accumulate || k > 0};
      if (!direct || columns < width) {
        pack(packed, width, b_panel);
        strip.b = packed;
        strip.b_stride = width;
      }
      if (write.bias && k == 0) {
        std::fill(std::copy_n(write.bias + j, columns, padded_bias), padded_bias + width, 0.0F);
        strip.bias = padded_bias;
      }
      width == kWidth ? all_rows<kVectors>(strip) : all_rows<1>(strip);
    }
  }
}

}  // namespace

void gemm_tiled(Matrix<float> c, Matrix<const float> a, Matrix<const float> b, Write write) {
  BELLMAN_CHECK(a.rows == c.rows && b.columns == c.columns && a.columns == b.rows);
  const bool contiguous_k = a.column_stride == 1 && b.row_stride == 1;
  if (contiguous_k && std::min(c.rows, c.columns) <= kFew) dot_products(c, a, b, write);
  // A narrow c: its transpose is wide. c^T = b^T a^T needs a^T's rows to be contiguous.
  else if (c.columns < kLanes && a.row_stride == 1 && !write.bias)
    panels(c.transposed(), b.transposed(), a.transposed(), write);
  else
    panels(c, a, b, write);
}

}  // namespace bellman::cpu
