// How a launcher chooses a tile of cuda/ops/gemm_tile.cuh, into how many pieces it cuts the depth, and how it
// adds their sums.
//
// A device has about 130 multiprocessors, and a product is fastest when all of them work on tiles as large as
// possible: a larger tile fetches less. So a launcher takes the largest tile that makes at least
// kEnoughBlocks blocks and does not lie mostly beyond the edge: it computes at most half as many numbers in
// vain as are wanted.
//
// Where even TileM makes too few blocks, the depth is cut into pieces of at least kPieceStages stages, a
// block each. That costs memory for the pieces' sums and a second launch that adds them. TileXL is never
// cut: a product that is too small for it is faster with four times as many TileL. The last resort is TileS,
// cut or not.
//
// The numbers are constants, not the device's, so that results have the same bits on every device.
#pragma once

#include <algorithm>

#include "core/base/tensor.h"
#include "cuda/base/integers.h"
#include "cuda/base/runtime.h"
#include "cuda/ops/gemm_tile.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

inline constexpr Index kEnoughBlocks = 128;
inline constexpr Index kPieceStages = 4;

template <class Tile>
constexpr Index tiles(Index rows, Index columns) {
  return Index{pieces(rows, Tile::kRows)} * pieces(columns, Tile::kColumns);
}

/// The number of pieces that the depth is cut into. All but the last are whole stages, and none is empty.
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

/// Whether tiles for `wanted` numbers do not lie mostly beyond the edge.
template <class Tile>
bool is_filled(Index tiles, Index wanted) {
  return 2 * tiles * Tile::kRows * Tile::kColumns <= 3 * wanted;
}

/// Whether `tiles` tiles for `wanted` numbers, with the depth cut into pieces or not, are enough and filled.
template <class Tile>
bool suits(Index tiles, Index wanted, int depth_pieces = 1) {
  return tiles * depth_pieces >= kEnoughBlocks && is_filled<Tile>(tiles, wanted);
}

/// Calls run(tile) with the first of Tiles, given largest first, for which suitable(tile, false) holds; else
/// with the first for which suitable(tile, true) does, which may count on cutting the depth; else with TileS.
template <class... Tiles, class Suitable, class Run>
void with_tile(const Suitable& suitable, const Run& run) {
  for (const bool cut : {false, true})
    if (((suitable(Tiles(), cut) && (run(Tiles()), true)) || ...)) return;
  run(TileS());
}

// ---- the sums of a cut depth

/// One thread an element: x(count) += parts(pieces,count)[0] + parts[1] + ...
template <int kThreads>
__global__ void __launch_bounds__(kThreads)
    add_parts_kernel(float* x, const float* __restrict__ parts, int count, int pieces) {
  const int at = blockIdx.x * kThreads + threadIdx.x;
  if (at >= count) return;
  float sum = 0.0F;
#pragma unroll 8
  for (int piece = 0; piece < pieces; ++piece) sum += parts[static_cast<Index>(piece) * count + at];
  x[at] += sum;
}

/// x += `pieces_of_sum` arrays of its size that lie one after the other, in their order: a product whose
/// depth was cut into pieces.
inline void add_parts(Stream& stream, Tensor x, const float* parts, int pieces_of_sum) {
  constexpr int kThreads = 128;
  const int count = static_cast<int>(x.elements());
  launch(stream, add_parts_kernel<kThreads>, blocks_for(count, kThreads), dim3(kThreads), 0, x.data(), parts,
         count, pieces_of_sum);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
