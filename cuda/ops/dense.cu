// The dense layer as products of matrices (core/reference/layers.h derives the gradients):
//   forward    y(B,O)  = x(B,I) w(O,I)^T + b        rows x, columns w, both along the depth I
//   backward   dx(B,I) = dy(B,O) w(O,I)             rows dy along the depth O, columns w across it
//              dw(O,I) += dy(B,O)^T x(B,I)          both across the depth B
//              db(O)   += the column sums of dy
// The products are those of cuda/ops/gemm_tile.cuh. Speed: unmeasured.

#include <cstdint>

#include "cuda/backend/cuda_backend.h"
#include "cuda/base/reduce.cuh"
#include "cuda/ops/activation.cuh"
#include "cuda/ops/gemm_tile.cuh"
#include "cuda/ops/matrix_operand.cuh"
#include "cuda/ops/tile_choice.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

// ---- forward

/// y = product + b and, if there is a z, z = f(y).
struct WriteOutputs {
  float* z;
  float* y;
  const float* b;
  int rows, columns;
  Activation::Kind activation;
  bool aligned;

  __device__ void operator()(int row, int column, float4 product) const {
    const int room = columns - column;
    if (row >= rows || room <= 0) return;
    const float4 bias = load_up_to_4(b + column, room, aligned);
    const float4 sum =
        make_float4(product.x + bias.x, product.y + bias.y, product.z + bias.z, product.w + bias.w);
    const Index at = static_cast<Index>(row) * columns + column;
    store_up_to_4(y + at, sum, room, aligned);
    if (z)
      store_up_to_4(z + at,
                    make_float4(activate(activation, sum.x), activate(activation, sum.y),
                                activate(activation, sum.z), activate(activation, sum.w)),
                    room, aligned);
  }
};

/// One block a tile of y, with all of the depth.
template <class Tile>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks)
    dense_forward_kernel(float* z, float* y, const float* __restrict__ x, const float* __restrict__ w,
                         const float* __restrict__ b, int B, int I, int O, Activation::Kind activation,
                         bool aligned_inputs, bool aligned_outputs) {
  BELLMAN_DYNAMIC_SHARED(float, memory);
  const auto [row, column] = tile_position<Tile>(blockIdx.x, O);
  const MatrixAlongDepth rows{x, B, I, I, aligned_inputs}, columns{w, O, I, I, aligned_inputs};
  gemm<Tile>(memory, DepthQuads<Tile, Tile::kRows, MatrixAlongDepth>(rows, row),
             DepthQuads<Tile, Tile::kColumns, MatrixAlongDepth>(columns, column),
             WriteOutputs{z, y, b, B, O, activation, aligned_outputs}, row, column, 0, I);
}

/// One block a tile of y and a piece of the depth: parts(pieces,B,O)[blockIdx.y] = the piece's products.
template <class Tile>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks)
    dense_parts_kernel(float* parts, const float* __restrict__ x, const float* __restrict__ w, int B, int I,
                       int O, int piece, bool aligned_inputs, bool aligned_outputs) {
  BELLMAN_DYNAMIC_SHARED(float, memory);
  const auto [row, column] = tile_position<Tile>(blockIdx.x, O);
  const int begin = blockIdx.y * piece, end = min(begin + piece, I);
  const MatrixAlongDepth rows{x, B, I, end, aligned_inputs}, columns{w, O, I, end, aligned_inputs};
  float* const part = parts + static_cast<Index>(blockIdx.y) * B * O;
  gemm<Tile>(memory, DepthQuads<Tile, Tile::kRows, MatrixAlongDepth>(rows, row),
             DepthQuads<Tile, Tile::kColumns, MatrixAlongDepth>(columns, column),
             WriteMatrix{part, B, O, false, aligned_outputs}, row, column, begin, end);
}

/// One thread an output: y = parts[0] + parts[1] + ... + b, and z = f(y).
__global__ void __launch_bounds__(256)
    dense_sum_kernel(float* z, float* y, const float* __restrict__ parts, const float* __restrict__ b,
                     int outputs, int O, int pieces, Activation::Kind activation) {
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= outputs) return;
  float sum = 0.0F;
#pragma unroll 4
  for (int piece = 0; piece < pieces; ++piece) sum += parts[static_cast<Index>(piece) * outputs + at];
  sum += b[at % O];
  y[at] = sum;
  if (z) z[at] = activate(activation, sum);
}

template <class Tile>
void launch_forward(Stream& stream, Out z, Out y, In x, In w, In b, Activation::Kind activation) {
  const int B = static_cast<int>(x[0]), I = static_cast<int>(x[1]), O = static_cast<int>(w[0]);
  const Index blocks = tiles<Tile>(B, O);
  const DepthCut cut = cut_depth<Tile>(blocks, I);
  const bool aligned_inputs = rows_are_aligned(x.data(), I) && rows_are_aligned(w.data(), I);
  const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(cut.pieces));
  if (cut.pieces == 1) {
    const bool aligned_outputs =
        rows_are_aligned(y.data(), O) && rows_are_aligned(z.data(), O) && rows_are_aligned(b.data(), O);
    return launch(stream, dense_forward_kernel<Tile>, grid, dim3(Tile::kThreads), Tile::kSharedBytes,
                  z.data(), y.data(), x.data(), w.data(), b.data(), B, I, O, activation, aligned_inputs,
                  aligned_outputs);
  }
  float* const parts = scratch<float>(stream, cut.pieces * y.elements());
  launch(stream, dense_parts_kernel<Tile>, grid, dim3(Tile::kThreads), Tile::kSharedBytes, parts, x.data(),
         w.data(), B, I, O, cut.depth, aligned_inputs, rows_are_aligned(parts, O));
  const int outputs = B * O;
  launch(stream, dense_sum_kernel, blocks_for(outputs, 256), dim3(256), 0, z.data(), y.data(), parts,
         b.data(), outputs, O, cut.pieces, activation);
}

void forward(Stream& stream, const char* op, Out z, Out y, In x, In w, In b, Activation::Kind activation) {
  checked_int(op, "the number of elements of x", x.elements());
  checked_int(op, "the number of elements of w", w.elements());
  const Index outputs = checked_int(op, "the number of elements of y", y.elements());
  if (outputs == 0) return;
  const Index B = x[0], I = x[1], O = w[0];
  const auto suitable = [&]<class Tile>(Tile, bool cut) {
    const Index blocks = tiles<Tile>(B, O);
    return suits<Tile>(blocks, outputs, cut ? cut_depth<Tile>(blocks, I).pieces : 1);
  };
  with_tile<TileXL, TileL, TileM>(
      suitable, [&]<class Tile>(Tile) { launch_forward<Tile>(stream, z, y, x, w, b, activation); });
}

// ---- backward

/// One launch for all three gradients, because small layers cost more to launch than to compute. The first
/// blocks add columns of db: they mostly wait for memory, so they start early. The next dx_blocks
/// compute a tile of dx each, the others a tile and a piece of the depth of dw: into dw or, where there are
/// pieces, into parts(pieces,O,I).
template <class Tile>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks)
    dense_backward_kernel(float* dx, float* dw, float* parts, float* db, const float* __restrict__ dy,
                          const float* __restrict__ x, const float* __restrict__ w, int B, int I, int O,
                          int dx_blocks, int piece, bool aligned_inputs, bool aligned_outputs) {
  BELLMAN_DYNAMIC_SHARED(float, memory);
  int block = blockIdx.x;
  const int db_blocks = (O + kSumColumns - 1) / kSumColumns;
  if (block < db_blocks) return add_column_sums(memory, db, dy, B, O, block * kSumColumns);
  block -= db_blocks;
  if (block < dx_blocks) {
    const auto [row, column] = tile_position<Tile>(static_cast<unsigned>(block), I);
    const MatrixAlongDepth rows{dy, B, O, O, aligned_outputs};
    const MatrixAcrossRows columns{w, I, I, O, aligned_inputs};
    gemm<Tile>(memory, DepthQuads<Tile, Tile::kRows, MatrixAlongDepth>(rows, row),
               RowQuads<Tile, Tile::kColumns, MatrixAcrossRows>(columns, column),
               WriteMatrix{dx, B, I, false, aligned_inputs}, row, column, 0, O);
    return;
  }
  block -= dx_blocks;
  const int across = (I + Tile::kColumns - 1) / Tile::kColumns, down = (O + Tile::kRows - 1) / Tile::kRows;
  const int column = block % across * Tile::kColumns, row = block / across % down * Tile::kRows;
  const int part = block / across / down, begin = part * piece, end = min(begin + piece, B);
  const MatrixAcrossRows rows{dy, O, O, end, aligned_outputs}, columns{x, I, I, end, aligned_inputs};
  float* const to = parts ? parts + static_cast<Index>(part) * O * I : dw;
  gemm<Tile>(memory, RowQuads<Tile, Tile::kRows, MatrixAcrossRows>(rows, row),
             RowQuads<Tile, Tile::kColumns, MatrixAcrossRows>(columns, column),
             WriteMatrix{to, O, I, parts == nullptr, aligned_inputs}, row, column, begin, end);
}

template <class Tile>
void launch_backward(Stream& stream, Out dx, Out dw, Out db, In dy, In x, In w) {
  const int B = static_cast<int>(x[0]), I = static_cast<int>(x[1]), O = static_cast<int>(w[0]);
  const int dx_blocks = dx ? static_cast<int>(tiles<Tile>(B, I)) : 0;
  const Index dw_tiles = tiles<Tile>(O, I);
  const DepthCut cut = cut_depth<Tile>(dw_tiles, B);
  float* const parts = cut.pieces > 1 ? scratch<float>(stream, cut.pieces * dw.elements()) : nullptr;
  const bool aligned_inputs = rows_are_aligned(x.data(), I) && rows_are_aligned(w.data(), I) &&
                              rows_are_aligned(parts ? parts : dw.data(), I) &&
                              rows_are_aligned(dx.data(), I);
  const int dw_blocks = static_cast<int>(dw_tiles) * cut.pieces;
  const dim3 grid(static_cast<unsigned>(pieces(O, kSumColumns) + dx_blocks + dw_blocks));
  launch(stream, dense_backward_kernel<Tile>, grid, dim3(Tile::kThreads), Tile::kSharedBytes, dx.data(),
         dw.data(), parts, db.data(), dy.data(), x.data(), w.data(), B, I, O, dx_blocks, cut.depth,
         aligned_inputs, rows_are_aligned(dy.data(), O));
  if (parts) add_parts(stream, dw, parts, cut.pieces);
}

}  // namespace

// cuBLAS computes wide layers (cuda/device/cublas_products.h), our kernels all others.

void CudaBackend::do_dense_forward(Out y, In x, In w, In b) {
  if (library_.dense_forward(y, x, w, b)) return;
  forward(stream_, "dense_forward", Out(), y, x, w, b, Activation::kNone);
}

void CudaBackend::do_dense_activation_forward(Out z, Out y, In x, In w, In b, Activation f) {
  if (library_.takes(x.shape(), w.shape()) || !is_activated_with_products(f.kind))
    return DeviceBackend::do_dense_activation_forward(z, y, x, w, b, f);
  forward(stream_, "dense_activation_forward", z, y, x, w, b, f.kind);
}

void CudaBackend::do_dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) {
  if (library_.dense_backward(dx, dw, db, dy, x, w)) return;
  checked_int("dense_backward", "the number of elements of x", x.elements());
  checked_int("dense_backward", "the number of elements of w", w.elements());
  checked_int("dense_backward", "the number of elements of dy", dy.elements());
  const Index B = x[0], I = x[1], O = w[0];
  if (O == 0 && !(dx && dx.elements() > 0)) return;
  // Chosen as if dx were wanted, so that dw has the same bits with and without it.
  const auto suitable = [&]<class Tile>(Tile, bool cut) {
    const Index dw_tiles = tiles<Tile>(O, I), dx_tiles = tiles<Tile>(B, I);
    const Index dw_blocks = cut ? dw_tiles * cut_depth<Tile>(dw_tiles, B).pieces : dw_tiles;
    return dw_blocks + dx_tiles >= kEnoughBlocks && is_filled<Tile>(dw_tiles + dx_tiles, (O + B) * I);
  };
  with_tile<TileXL, TileL, TileM>(
      suitable, [&]<class Tile>(Tile) { launch_backward<Tile>(stream_, dx, dw, db, dy, x, w); });
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
