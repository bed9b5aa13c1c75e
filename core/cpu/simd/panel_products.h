// Products that read their left operand in place, and conversions between panels and rows. A part of kernels.cpp.
//
// Left operands of a convolution are neighbouring patches of an image, or neighbouring pixels of all patches. Neither their
// rows nor the steps of the sum are evenly spaced. So a tile keeps one offset for each of its rows, and the steps are three
// loops, the innermost over evenly spaced numbers. No patch is ever written out as a row.
#pragma once

#include "core/cpu/simd/tile.h"

namespace bellman::cpu {
namespace {

constexpr Index kProductRows = kLanes == 16 ? 12 : kTileRows;

/// A place in a Walk, under two sets of strides.
class RowCursor {
 public:
  RowCursor(const PanelProduct& p) : p_(p) {
    const Index* const counts = p.rows_at.counts;
    c_ = p.first % counts[2];
    b_ = p.first / counts[2] % counts[1];
    a_ = p.first / counts[2] / counts[1];
  }
  Index left() const { return offset(p_.rows_at.strides); }
  Index c() const { return offset(p_.c_strides); }
  void next() {
    if (++c_ < p_.rows_at.counts[2]) return;
    c_ = 0;
    if (++b_ < p_.rows_at.counts[1]) return;
    b_ = 0;
    ++a_;
  }

 private:
  Index offset(const Index* strides) const { return a_ * strides[0] + b_ * strides[1] + c_ * strides[2]; }

  const PanelProduct& p_;
  Index a_, b_, c_;
};

/// The vector v of V of a row; the last may be partly there.
template <int V>
BELLMAN_INLINE Vec load_vector(const float* row, int v, Index columns) {
  const Index rest = columns - v * kLanes;
  return v + 1 < V || rest == kLanes ? load(row + v * kLanes) : load_first(row + v * kLanes, rest);
}
template <int V>
BELLMAN_INLINE void store_vector(float* row, int v, Index columns, Vec value) {
  const Index rest = columns - v * kLanes;
  if (v + 1 < V || rest == kLanes)
    store(row + v * kLanes, value);
  else
    store_first(row + v * kLanes, value, rest);
}

template <int R, int V>
void panel_tile(const PanelProduct& p, RowCursor& row) {
  Index at[R];
  float* c[R];
  for (int r = 0; r < R; ++r, row.next()) {
    at[r] = row.left();
    c[r] = p.c + row.c();
  }
  Vec sum[R][V];
  BELLMAN_UNROLL
  for (int r = 0; r < R; ++r) BELLMAN_UNROLL
  for (int v = 0; v < V; ++v)
    sum[r][v] = p.accumulate ? load_vector<V>(c[r], v, p.columns)
                : p.bias     ? load(p.bias + v * kLanes)
                             : zero();

  const float* right = p.right;
  const Walk& steps = p.steps_at;
  const Index step = steps.strides[2], right_stride = p.right_stride;
  for (Index a = 0; a < steps.counts[0]; ++a)
    for (Index b = 0; b < steps.counts[1]; ++b) {
      const float* left = p.left + a * steps.strides[0] + b * steps.strides[1];
      for (Index k = steps.counts[2]; k > 0; --k, left += step, right += right_stride) {
        Vec right_k[V];
        BELLMAN_UNROLL
        for (int v = 0; v < V; ++v) right_k[v] = load(right + v * kLanes);
        BELLMAN_UNROLL
        for (int r = 0; r < R; ++r) {
          const Vec left_k = broadcast(left[at[r]]);
          BELLMAN_UNROLL
          for (int v = 0; v < V; ++v) sum[r][v] = fma(left_k, right_k[v], sum[r][v]);
        }
      }
    }

  BELLMAN_UNROLL
  for (int r = 0; r < R; ++r) BELLMAN_UNROLL
  for (int v = 0; v < V; ++v) store_vector<V>(c[r], v, p.columns, sum[r][v]);
}

template <int R, int V>
BELLMAN_INLINE void panel_tile_of(Index rows, const PanelProduct& p, RowCursor& row) {
  if constexpr (R > 0) {
    if (rows == R)
      panel_tile<R, V>(p, row);
    else
      panel_tile_of<R - 1, V>(rows, p, row);
  }
}

/// Tiles of nearly the same height: 49 rows are seven of seven, not six of eight and one.
void panel_product(const PanelProduct& p) {
  RowCursor row(p);
  Index rows = p.rows;
  for (Index tiles = (rows + kProductRows - 1) / kProductRows; tiles > 0; --tiles) {
    const Index height = (rows + tiles - 1) / tiles;
    if (p.columns > kLanes)
      panel_tile_of<kProductRows, 2>(height, p, row);
    else
      panel_tile_of<kProductRows, 1>(height, p, row);
    rows -= height;
  }
}

/// Rows i .. i + kLanes of `from`, and its lanes v .. v + kLanes. Only the first `height` rows are there.
BELLMAN_INLINE void turn_block(const PanelColumns& p, Index i, Index height, Index v) {
  Vec block[kLanes];
  BELLMAN_UNROLL
  for (int r = 0; r < kLanes; ++r) block[r] = r < height ? load(p.from + (i + r) * kPanel + v) : zero();
  transpose(block);
  const Index columns = least(kLanes, p.columns - v);
  BELLMAN_UNROLL
  for (int j = 0; j < kLanes; ++j) {
    if (j == columns) break;
    float* const to = p.to + (v + j) * p.to_stride + i;
    Vec result = block[j];
    if (p.accumulate) result = add(height == kLanes ? load(to) : load_first(to, height), result);
    height == kLanes ? store(to, result) : store_first(to, result, height);
    if (!p.rectified) continue;
    float* const rectified = p.rectified + (v + j) * p.to_stride + i;
    height == kLanes ? store(rectified, relu(result)) : store_first(rectified, relu(result), height);
  }
}

void panel_columns(const PanelColumns& p) {
  for (Index v = 0; v < p.columns; v += kLanes)
    for (Index i = 0; i < p.rows; i += kLanes) turn_block(p, i, least(kLanes, p.rows - i), v);
}

// ---- rows that become panels, and panels that are transposed

void gather(float* panel, const float* rows, const Index* row, Index stride, Index features, Index samples) {
  const Index fours = features / 4 * 4;
  for (Index n = 0; n < kPanel; n += kLanes) {
    const float* at[kLanes];
    for (int lane = 0; lane < kLanes; ++lane)
      at[lane] = rows + (n + lane < samples ? row[n + lane] * stride : 0);
    if (n + kLanes <= samples) {
      for (Index i = 0; i < fours; i += 4) {
        Vec columns[4];
        columns_of_four(columns, at);
        for (int k = 0; k < 4; ++k) store(panel + (i + k) * kPanel + n, columns[k]);
        for (const float*& p : at) p += 4;
      }
      for (Index i = fours; i < features; ++i)
        for (int lane = 0; lane < kLanes; ++lane) panel[i * kPanel + n + lane] = *at[lane]++;
    } else {
      for (Index i = 0; i < features; ++i)
        for (int lane = 0; lane < kLanes; ++lane)
          panel[i * kPanel + n + lane] = n + lane < samples ? at[lane][i] : 0;
    }
  }
}

void transpose_panel(float* xt, Index rows, Index n, const float* x, Index features, Index samples) {
  for (Index i = 0; i < features; i += kLanes) {
    float* to = xt + (i / kPanel * rows + n) * kPanel + i % kPanel;
    for (Index lane = 0; lane < samples; lane += kLanes) {
      Vec block[kLanes];
      BELLMAN_UNROLL
      for (int r = 0; r < kLanes; ++r)
        block[r] = i + r < features ? load(x + (i + r) * kPanel + lane) : zero();
      transpose(block);
      BELLMAN_UNROLL
      for (int r = 0; r < kLanes; ++r) store(to + (lane + r) * kPanel, block[r]);
    }
  }
}

}  // namespace
}  // namespace bellman::cpu
