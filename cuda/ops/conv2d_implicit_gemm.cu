// The convolution as products of matrices (cuda/ops/gemm_tile.cuh) that are never stored: a thread computes
// the address of an element of the matrix of windows when the tile needs it. With a place
// (n,i,j) and a tap (c,p,q) of the window there (cuda/ops/conv_operand.cuh):
//   forward   y(O, places)  = w(O, taps) x(places, taps)^T + b      depth: taps
//   backward  dw(O, taps)  += dy(O, places) x(places, taps)         depth: places; db the row sums of dy
//             dx            by phases of the stride: cuda/ops/conv_phase.cuh
// dw has few outputs and a long depth (Nature-DQN's first layer, batch 32: 32 x 256, depth 12 800): its depth
// is cut into pieces, one a block; the pieces' sums lie in the scratch and are added in their order. A stored
// matrix of windows, of 8x8 and stride 4, would be 4 times the image, written and read once more.
//
// Zero padding is multiplied as a zero: with an infinite or NaN weight the product is NaN, where the
// definition leaves it out.
//
// Speed: unmeasured.
#include "cuda/base/reduce.cuh"
#include "cuda/ops/conv2d.h"
#include "cuda/ops/conv_operand.cuh"
#include "cuda/ops/conv_phase.cuh"
#include "cuda/ops/gemm_tile.cuh"
#include "cuda/ops/tile_choice.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

// ---- forward

/// y[n,o,place] = product + b[o]: rows are channels, columns are places.
struct WriteChannels {
  float* y;
  const float* __restrict__ b;
  const ConvIndex& index;
  bool aligned;  // images start at 16 bytes

  __device__ void operator()(int row, int column, float4 product) const {
    const int places = index.s.places(), columns = index.s.B * places;
    if (row >= index.s.O || column >= columns) return;
    const float bias = b[row];
    const float numbers[4] = {product.x + bias, product.y + bias, product.z + bias, product.w + bias};
    if (aligned) {
      *reinterpret_cast<float4*>(y + offset(row, column)) =
          make_float4(numbers[0], numbers[1], numbers[2], numbers[3]);
      return;
    }
#pragma unroll
    for (int r = 0; r < 4; ++r)
      if (column + r < columns) y[offset(row, column + r)] = numbers[r];
  }

 private:
  __device__ int offset(int channel, int column) const {
    const int n = index.places.quotient(column), place = index.places.remainder(column, n);
    return (n * index.s.O + channel) * index.s.places() + place;
  }
};

/// One block a tile of y. Of the 8 numbers that a thread fetches a stage, 4 are one load (w), and 4 are
/// loaded one by one (x), where neighbouring threads load neighbouring places.
template <class Tile>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks)
    implicit_gemm_forward_kernel(float* y, const float* __restrict__ x, const float* __restrict__ w,
                                 const float* __restrict__ b, ConvIndex index, bool aligned_weights,
                                 bool aligned_images) {
  BELLMAN_DYNAMIC_SHARED(float, memory);
  const int taps = index.s.taps(), places = index.s.B * index.s.places();
  const auto [row, column] = tile_position<Tile>(blockIdx.x, places);
  const MatrixAlongDepth rows{w, index.s.O, taps, taps, aligned_weights};
  const PlacesByTaps columns{x, index, places, taps};
  gemm<Tile>(memory, DepthQuads<Tile, Tile::kRows, MatrixAlongDepth>(rows, row),
             RowQuads<Tile, Tile::kColumns, PlacesByTaps>(columns, column),
             WriteChannels{y, b, index, aligned_images}, row, column, 0, taps);
}

template <class Tile>
void launch_forward(Stream& stream, Tensor y, ConstTensor x, ConstTensor w, ConstTensor b,
                    const ConvSizes& s) {
  const dim3 grid(static_cast<unsigned>(tiles<Tile>(s.O, Index{s.B} * s.places())));
  launch(stream, implicit_gemm_forward_kernel<Tile>, grid, dim3(Tile::kThreads), Tile::kSharedBytes, y.data(),
         x.data(), w.data(), b.data(), ConvIndex(s), rows_are_aligned(w.data(), s.taps()),
         rows_are_aligned(y.data(), s.places()));
}

// ---- backward: dw and db

template <class Tile>
DepthCut dw_cut(const ConvSizes& s) {
  return cut_depth<Tile>(tiles<Tile>(s.O, s.taps()), Index{s.B} * s.places());
}

template <class Tile>
bool suits_dw(const ConvSizes& s, bool cut) {
  return suits<Tile>(tiles<Tile>(s.O, s.taps()), Index{s.O} * s.taps(), cut ? dw_cut<Tile>(s).pieces : 1);
}

/// db[channel] += the sum of dy over samples and places.
__device__ void add_channel_sum(float* memory, float* db, const float* __restrict__ dy,
                                const ConvIndex& index, int channel) {
  const int places = index.s.places(), count = index.s.B * places;
  float sum = 0.0F;
#pragma unroll 8
  for (int k = threadIdx.x; k < count; k += blockDim.x) {
    const int n = index.places.quotient(k);
    sum += dy[(n * index.s.O + channel) * places + index.places.remainder(k, n)];
  }
  sum = block_reduce(sum, memory, Sum{});
  if (threadIdx.x == 0) db[channel] += sum;
}

/// The first O blocks add a channel of db each: they mostly wait for memory, so they start early. Then one
/// block a tile of dw and a piece of the depth. The sums go to dw or, where there are pieces, to
/// parts(pieces,O,taps).
template <class Tile>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks)
    implicit_gemm_dw_kernel(float* dw, float* parts, float* db, const float* __restrict__ dy,
                            const float* __restrict__ x, ConvIndex index, int piece, bool aligned_images,
                            bool aligned_weights) {
  BELLMAN_DYNAMIC_SHARED(float, memory);
  const int O = index.s.O, taps = index.s.taps(), places = index.s.B * index.s.places();
  if (static_cast<int>(blockIdx.x) < O) return add_channel_sum(memory, db, dy, index, blockIdx.x);
  const int block = blockIdx.x - O;
  const int across = (taps + Tile::kColumns - 1) / Tile::kColumns;
  const int down = (O + Tile::kRows - 1) / Tile::kRows;
  const int column = block % across * Tile::kColumns, row = block / across % down * Tile::kRows;
  const int part = block / across / down;
  const int begin = part * piece, end = min(begin + piece, places);
  const ChannelsByPlaces rows{dy, index, end, aligned_images};
  const TapsByPlaces columns{x, index, taps, end};
  float* const to = parts ? parts + static_cast<Index>(part) * O * taps : dw;
  gemm<Tile>(memory, DepthQuads<Tile, Tile::kRows, ChannelsByPlaces>(rows, row),
             RowQuads<Tile, Tile::kColumns, TapsByPlaces>(columns, column),
             WriteMatrix{to, O, taps, parts == nullptr, aligned_weights}, row, column, begin, end);
}

template <class Tile>
void launch_dw(Stream& stream, Tensor dw, Tensor db, ConstTensor dy, ConstTensor x, const ConvSizes& s,
               Tensor scratch) {
  const DepthCut cut = dw_cut<Tile>(s);
  const int dw_blocks = static_cast<int>(tiles<Tile>(s.O, s.taps())) * cut.pieces;
  float* const parts = cut.pieces > 1 ? scratch.data() : nullptr;
  launch(stream, implicit_gemm_dw_kernel<Tile>, dim3(static_cast<unsigned>(dw_blocks + s.O)),
         dim3(Tile::kThreads), Tile::kSharedBytes, dw.data(), parts, db.data(), dy.data(), x.data(),
         ConvIndex(s), cut.depth, rows_are_aligned(dy.data(), s.places()),
         rows_are_aligned(parts ? parts : dw.data(), s.taps()));
  if (parts) add_parts(stream, dw, parts, cut.pieces);
}

// ---- backward: dx

/// One block a tile of a phase of dx: rows are channels, columns are the phase's pixels. No TileL: beside a
/// phase and four places, 64 sums a thread do not fit 128 registers.
template <class Tile>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks)
    implicit_gemm_dx_kernel(float* dx, const float* __restrict__ dy, const float* __restrict__ w, ConvSizes s,
                            int phase_blocks, int phases_w) {
  BELLMAN_DYNAMIC_SHARED(float, memory);
  const int phase_number = blockIdx.x / phase_blocks;
  const unsigned block = blockIdx.x % phase_blocks;
  const Phase phase(s, phase_number / phases_w, phase_number % phases_w);
  // Later phases of an axis may have a pixel less than the first; their last blocks then have nothing to do.
  const auto [row, column] = tile_position<Tile>(block, phase.images());
  if (row >= s.C) return;
  const PhaseWeights rows{w, phase};
  const PhaseGradients columns{dy, phase};
  gemm<Tile>(memory, RowQuads<Tile, Tile::kRows, PhaseWeights>(rows, row),
             RowQuads<Tile, Tile::kColumns, PhaseGradients>(columns, column), WritePhase{dx, phase}, row,
             column, 0, phase.depth());
}

/// Tiles of the first phase, which has the most pixels.
template <class Tile>
Index phase_tiles(const ConvSizes& s) {
  return tiles<Tile>(s.C, Index{s.B} * pieces(s.H, s.stride_h) * pieces(s.W, s.stride_w));
}
Index phases(const ConvSizes& s) { return Index{std::min(s.H, s.stride_h)} * std::min(s.W, s.stride_w); }

template <class Tile>
bool suits_dx(const ConvSizes& s) {
  return suits<Tile>(phase_tiles<Tile>(s) * phases(s), Index{s.B} * s.C * s.pixels());
}

template <class Tile>
void launch_dx(Stream& stream, Tensor dx, ConstTensor dy, ConstTensor w, const ConvSizes& s) {
  const int blocks =
      checked_int("conv2d_backward", "the number of blocks for dx", phase_tiles<Tile>(s) * phases(s));
  launch(stream, implicit_gemm_dx_kernel<Tile>, dim3(static_cast<unsigned>(blocks)), dim3(Tile::kThreads),
         Tile::kSharedBytes, dx.data(), dy.data(), w.data(), s, static_cast<int>(phase_tiles<Tile>(s)),
         std::min(s.W, s.stride_w));
}

}  // namespace

// At least as many pieces as cut_depth makes, for the tile that makes most: so it never shrinks as the batch
// grows.
Index implicit_gemm_scratch(const ConvSizes& s) {
  const auto most = [&]<class Tile>(Tile) {
    const Index blocks = tiles<Tile>(s.O, s.taps());
    return blocks >= kEnoughBlocks ? Index{1}
                                   : std::min(2 * kEnoughBlocks / blocks,
                                              Index{s.B} * s.places() / (kPieceStages * Tile::kDepth));
  };
  const Index pieces = std::max({most(TileS()), most(TileM()), most(TileL())});
  return pieces > 1 ? pieces * s.O * s.taps() : 0;
}

void implicit_gemm_forward(Stream& stream, Tensor y, ConstTensor x, ConstTensor w, ConstTensor b,
                           const ConvSizes& s) {
  const auto suitable = [&]<class Tile>(Tile, bool) {
    return suits<Tile>(tiles<Tile>(s.O, Index{s.B} * s.places()), y.elements());
  };
  with_tile<TileL, TileM>(suitable, [&]<class Tile>(Tile) { launch_forward<Tile>(stream, y, x, w, b, s); });
}

void implicit_gemm_backward(Stream& stream, Tensor dx, Tensor dw, Tensor db, ConstTensor dy, ConstTensor x,
                            ConstTensor w, const ConvSizes& s, Tensor scratch) {
  with_tile<TileL, TileM>([&]<class Tile>(Tile, bool cut) { return suits_dw<Tile>(s, cut); },
                          [&]<class Tile>(Tile) { launch_dw<Tile>(stream, dw, db, dy, x, s, scratch); });
  if (!dx) return;
  with_tile<TileM>([&]<class Tile>(Tile, bool) { return suits_dx<Tile>(s); },
                   [&]<class Tile>(Tile) { launch_dx<Tile>(stream, dx, dy, w, s); });
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
