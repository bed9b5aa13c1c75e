// The register tile of the products. A part of kernels.cpp, which explains it.
#pragma once

#include "core/cpu/simd/kernels.h"
#include "core/cpu/simd/vec.h"

namespace bellman::cpu {
namespace {

#define BELLMAN_INLINE inline __attribute__((always_inline))
#define BELLMAN_INLINE_LAMBDA __attribute__((always_inline))
#define BELLMAN_UNROLL _Pragma("GCC unroll 16")

// Rows of a register tile: with 32 registers 16 sums, 2 of the right operand, a broadcast; with 16 registers 12 sums.
constexpr int kTileRows = kLanes == 16 ? 8 : 6;
constexpr Index kPanel = 2 * kLanes;

template <int N>
struct Int {
  static constexpr int value = N;
};

BELLMAN_INLINE Index least(Index a, Index b) { return a < b ? a : b; }

// ---- left operands: at(r) is row r of the tile at the present k

struct WeightRows {  // left[i][k] = w[i][k]
  const float* w;
  Index inputs;
  BELLMAN_INLINE float at(int r) const { return w[r * inputs]; }
  BELLMAN_INLINE void next() { ++w; }
};

struct WeightColumns {  // left[i][k] = w[k][i]
  const float* w;
  Index inputs;
  BELLMAN_INLINE float at(int r) const { return w[r]; }
  BELLMAN_INLINE void next() { w += inputs; }
};

struct PanelRows {  // left[i][k] = dy[i][lane k]
  const float* dy;
  BELLMAN_INLINE float at(int r) const { return dy[r * kPanel]; }
  BELLMAN_INLINE void next() { ++dy; }
};

// ---- the register tile

/// sum[r][v] += sum over `depth` steps of left[r][k] right[k][v].
template <int R, int V, class Left>
BELLMAN_INLINE void multiply(Vec (&sum)[R][V], Left left, const float* right, Index depth) {
  for (Index k = depth; k > 0; --k, right += kPanel, left.next()) {
    Vec right_k[V];
    BELLMAN_UNROLL
    for (int v = 0; v < V; ++v) right_k[v] = load(right + v * kLanes);
    BELLMAN_UNROLL
    for (int r = 0; r < R; ++r) {
      const Vec left_k = broadcast(left.at(r));
      BELLMAN_UNROLL
      for (int v = 0; v < V; ++v) sum[r][v] = fma(left_k, right_k[v], sum[r][v]);
    }
  }
}

/// f(Int<rows>, i) for the tiles that `rows` rows make; only the last has fewer than kTileRows.
template <int R, class F>
BELLMAN_INLINE void last_tile(Index i, Index rows, F& f) {
  if constexpr (R > 0) {
    if (rows == R)
      f(Int<R>(), i);
    else
      last_tile<R - 1>(i, rows, f);
  }
}

template <class F>
BELLMAN_INLINE void for_tiles(Index rows, F f) {
  Index i = 0;
  for (; i + kTileRows <= rows; i += kTileRows) f(Int<kTileRows>(), i);
  last_tile<kTileRows - 1>(i, rows - i, f);
}

/// f(Int<V>) for the vectors of a panel that hold `samples` samples.
template <class F>
BELLMAN_INLINE void with_vectors(Index samples, F f) {
  if (samples > kLanes)
    f(Int<2>());
  else
    f(Int<1>());
}

}  // namespace
}  // namespace bellman::cpu
