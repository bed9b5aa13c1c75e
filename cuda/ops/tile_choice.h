// Which tile of cuda/ops/gemm_tile.cuh a launcher takes, and into how many pieces it cuts the depth.
//
// A device has about 130 multiprocessors, and a product is fastest when all of them work on tiles as large as
// can be: a larger tile fetches less. So the largest tile is taken that makes at least kEnoughBlocks blocks
// and is not mostly beyond the edge: it computes at most half as many numbers in vain as are wanted.
//
// Where even TileM makes too few blocks, the depth is cut into pieces of at least kPieceStages stages, a
// block each; it costs memory for the pieces' sums and a second launch that adds them up. TileXL is never
// cut: what is too small for it is better off with four times as many TileL. The last resort is TileS, cut or
// not.
//
// The numbers are constants, not the device's, so that results are the same bits on any.
#pragma once

#include <algorithm>

#include "core/base/tensor.h"
#include "cuda/base/integers.h"
#include "cuda/ops/gemm_tile.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

inline constexpr Index kEnoughBlocks = 128;
inline constexpr Index kPieceStages = 4;

template <class Tile>
constexpr Index tiles(Index rows, Index columns) {
  return Index{pieces(rows, Tile::kRows)} * pieces(columns, Tile::kColumns);
}

/// Into how many pieces the depth is cut, each a whole number of stages but the last, none empty.
struct DepthCut {
  int pieces, depth;  // of a piece
};

template <class Tile>
DepthCut cut_depth(Index blocks, Index depth) {
  if (Tile::kGroups == 1) return {1, static_cast<int>(depth)};
  const Index most = depth / (kPieceStages * Tile::kDepth);
  const Index wanted =
      std::clamp<Index>(2 * kEnoughBlocks / std::max<Index>(blocks, 1), 1, std::max<Index>(most, 1));
  if (blocks >= kEnoughBlocks || wanted == 1) return {1, static_cast<int>(depth)};
  const Index stages = pieces(pieces(depth, Tile::kDepth), wanted);
  const Index piece = stages * Tile::kDepth;
  return {pieces(depth, piece), static_cast<int>(piece)};
}

/// Whether tiles for `wanted` numbers are not mostly beyond the edge.
template <class Tile>
bool is_filled(Index tiles, Index wanted) {
  return 2 * tiles * Tile::kRows * Tile::kColumns <= 3 * wanted;
}

/// Whether `tiles` tiles for `wanted` numbers, with the depth cut or not, are enough and filled.
template <class Tile>
bool suits(Index tiles, Index wanted, int depth_pieces = 1) {
  return tiles * depth_pieces >= kEnoughBlocks && is_filled<Tile>(tiles, wanted);
}

enum class TileSize { kS, kM, kL, kXL };

/// The largest tile for which suitable(tile, false) holds, else suitable(tile, true), which may count on
/// cutting the depth; else the smallest.
template <class Suitable>
TileSize choose_tile(const Suitable& suitable) {
  for (const bool cut : {false, true}) {
    if (suitable(TileXL(), cut)) return TileSize::kXL;
    if (suitable(TileL(), cut)) return TileSize::kL;
    if (suitable(TileM(), cut)) return TileSize::kM;
  }
  return TileSize::kS;
}

/// f(tile), as a type of its own.
template <class F>
void with_tile(TileSize size, const F& f) {
  switch (size) {
    case TileSize::kXL:
      return f(TileXL());
    case TileSize::kL:
      return f(TileL());
    case TileSize::kM:
      return f(TileM());
    case TileSize::kS:
      return f(TileS());
  }
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
