// The matrix product that dense layers and convolutions are made of:
//   C(M,N)[m,n] = sum_k rows(M,K)[m,k] columns(N,K)[n,k].
// A block of threads computes one tile of C. The depth K is walked in stages; of each stage the block keeps
// the tile's rows and columns in shared memory, and each thread multiplies its own small rectangle of C in
// registers:
//
//                       columns                Each thread has kThreadRows x kThreadColumns sums, so that
//                     +----+----+              2 loads of float4 from shared memory feed 16 products or more.
//            depth    |    |    |              While a stage is multiplied, the next one is being loaded into
//          +-------+  +----+----+              registers; it is stored to a second buffer: one barrier a
//     rows |       |  | thread's|              stage.
//          +-------+  +----+----+
//
// The threads form kGroups groups. Each group has the whole tile but only its part of every stage's
// depth. At the end the groups' sums are added, group 0 first. So a small tile, used where there are
// few numbers to compute, still keeps 256 threads busy with large rectangles, no second launch adds parts,
// and the order of the sum is fixed by the shape of the tile.
//
// Shared memory holds a stage depth-major, [depth][row], with rows padded by 4 floats. Then
//   - a thread's operands are float4s, at addresses that repeat within a warp or lie side by side: no
//     bank conflicts;
//   - numbers that arrive along the depth (DepthQuads) scatter to banks 16 apart: (kRows + 4) * 4 = 16 mod 32
//     for every kRows that 8 divides. No conflicts either.
#pragma once

#include "cuda/base/dialect.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

template <int kRows_, int kColumns_, int kDepth_, int kThreadRows_, int kThreadColumns_, int kGroups_,
          int kBlocks_>
struct GemmTile {
  static constexpr int kRows = kRows_, kColumns = kColumns_;  // of C
  static constexpr int kDepth = kDepth_;                      // of a stage, all groups together
  static constexpr int kThreadRows = kThreadRows_, kThreadColumns = kThreadColumns_;  // a thread's rectangle
  static constexpr int kGroups = kGroups_;
  static constexpr int kBlocks = kBlocks_;  // per multiprocessor: bounds the registers

  static constexpr int kLaneRows = kRows / kThreadRows, kLaneColumns = kColumns / kThreadColumns;
  static constexpr int kGroupThreads = kLaneRows * kLaneColumns;
  static constexpr int kGroupDepth = kDepth / kGroups;
  static constexpr int kThreads = kGroupThreads * kGroups;
  static constexpr int kRowStride = kRows + 4, kColumnStride = kColumns + 4;  // floats, in shared memory
  static constexpr int kStage = kDepth * (kRowStride + kColumnStride);
  // The sums go through shared memory in passes of 4 rows of each thread's rectangle.
  static constexpr int kPasses = kThreadRows / 4, kPassRows = kLaneRows * 4;
  static constexpr int kPass = kGroups * kPassRows * kColumnStride;
  static constexpr int kSharedFloats = 2 * kStage > kPass ? 2 * kStage : kPass;
  static constexpr int kSharedBytes = kSharedFloats * 4;

  static_assert(kThreads == 256 && kThreadRows % 4 == 0 && kThreadColumns % 4 == 0);
  static_assert(kThreads % (2 * kRows) == 0 && kThreads % (2 * kColumns) == 0 && kDepth % 8 == 0);
  static_assert(kSharedBytes <= 48 * 1024);  // the limit without opting in to more
};

// The tiles (cuda/ops/tile_choice.cuh chooses). The larger one is, the fewer times a number is fetched from the
// caches: 1/kRows + 1/kColumns fetches a product. A block has 256 threads; kBlocks of them share a
// multiprocessor's 65 536 registers, so that one works while another waits at a barrier.
//
//         rectangle  groups  fetches a product  shared memory  registers at most
//   XL    8x8        1       1/64               33 792 bytes   128
//   L     8x8        4       1/32               34 816         128
//   M     8x4        8       1/16               36 864         128
//   S     4x4        16      1/8                20 480          80
using TileXL = GemmTile<128, 128, 8, 8, 8, 1, 2>;
using TileL = GemmTile<64, 64, 32, 8, 8, 4, 2>;
using TileM = GemmTile<32, 32, 64, 8, 4, 8, 2>;
using TileS = GemmTile<16, 16, 64, 4, 4, 16, 3>;

/// The first row and column of a block's tile of C, which is `columns` wide.
struct TilePosition {
  int row, column;
};
template <class Tile>
__device__ __forceinline__ TilePosition tile_position(unsigned block, int columns) {
  const unsigned across = (columns + Tile::kColumns - 1) / Tile::kColumns;
  return {static_cast<int>(block / across * Tile::kRows), static_cast<int>(block % across * Tile::kColumns)};
}

/// The part of a tile's rows (or columns) that one thread fetches when numbers lie side by side along the
/// depth: 4 of one row at a time; two threads share a sector of 32 bytes. A Source has
///   Place place(row)                   the part of the address that does not change from stage to stage
///   float4 along_depth(place, k)       the numbers k .. k+3 of the row; 0 outside
template <class Tile, int kRows, class Source>
class DepthQuads {
 public:
  __device__ DepthQuads(const Source& source, int first_row)
      : source_(source),
        row_(threadIdx.x / 2 % kRows),
        depth_(threadIdx.x % 2 * 4 + threadIdx.x / (2 * kRows) * 8),
        place_(source.place(first_row + row_)) {}

  __device__ void fetch(int k) {
#pragma unroll
    for (int j = 0; j < kQuads; ++j) quads_[j] = source_.along_depth(place_, k + depth_ + j * kStep);
  }
  __device__ void store(float* stage) const {
#pragma unroll
    for (int j = 0; j < kQuads; ++j) {
      float* const to = stage + (depth_ + j * kStep) * (kRows + 4) + row_;
      to[0] = quads_[j].x;
      to[kRows + 4] = quads_[j].y;
      to[2 * (kRows + 4)] = quads_[j].z;
      to[3 * (kRows + 4)] = quads_[j].w;
    }
  }

 private:
  static constexpr int kQuads = kRows * Tile::kDepth / 4 / Tile::kThreads;
  static constexpr int kStep = Tile::kThreads / (2 * kRows) * 8;

  const Source& source_;
  int row_, depth_;
  typename Source::Place place_;
  float4 quads_[kQuads];
};

/// The same when numbers lie side by side across the rows: one of each of 4 rows at a time. A Source has
///   Place place(row)                   for the rows row .. row+3
///   float4 across_rows(place, k)       the k-th numbers of those rows; 0 outside
template <class Tile, int kRows, class Source>
class RowQuads {
 public:
  __device__ RowQuads(const Source& source, int first_row)
      : source_(source),
        row_(threadIdx.x % (kRows / 4) * 4),
        depth_(threadIdx.x / (kRows / 4)),
        place_(source.place(first_row + row_)) {}

  __device__ void fetch(int k) {
#pragma unroll
    for (int j = 0; j < kQuads; ++j) quads_[j] = source_.across_rows(place_, k + depth_ + j * kStep);
  }
  __device__ void store(float* stage) const {
#pragma unroll
    for (int j = 0; j < kQuads; ++j)
      *reinterpret_cast<float4*>(stage + (depth_ + j * kStep) * (kRows + 4) + row_) = quads_[j];
  }

 private:
  static constexpr int kQuads = kRows * Tile::kDepth / 4 / Tile::kThreads;
  static constexpr int kStep = Tile::kThreads / (kRows / 4);

  const Source& source_;
  int row_, depth_;
  typename Source::Place place_;
  float4 quads_[kQuads];
};

/// to[0 .. 4 kQuads) = the float4s at from, from + step, ...
template <int kQuads>
__device__ __forceinline__ void load_quads(float* to, const float* from, int step) {
#pragma unroll
  for (int i = 0; i < kQuads; ++i) {
    const float4 quad = *reinterpret_cast<const float4*>(from + i * step);
    to[4 * i] = quad.x;
    to[4 * i + 1] = quad.y;
    to[4 * i + 2] = quad.z;
    to[4 * i + 3] = quad.w;
  }
}

/// A thread's group, and the first row and column of its rectangle within the first four.
template <class Tile>
struct GemmThread {
  // Eight threads of a warp lie side by side in a row, where the tile is wide enough: a warp then reads 8
  // float4s of columns (128 bytes, all banks once) and 4 of rows.
  static constexpr int kAcross = Tile::kLaneColumns < 8 ? Tile::kLaneColumns : 8;
  int group, row, column;
  __device__ GemmThread() {
    const int thread = threadIdx.x % Tile::kGroupThreads;
    group = threadIdx.x / Tile::kGroupThreads;
    row = thread / kAcross % Tile::kLaneRows * 4;
    column = (thread % kAcross + thread / kAcross / Tile::kLaneRows * kAcross) * 4;
  }
};

/// sum += the products of one stage, for the group's part of the depth.
template <class Tile>
__device__ __forceinline__ void multiply_stage(float (&sum)[Tile::kThreadRows][Tile::kThreadColumns],
                                               const float* stage, const GemmThread<Tile>& thread) {
  const float* const rows = stage + thread.group * Tile::kGroupDepth * Tile::kRowStride + thread.row;
  const float* const columns = stage + Tile::kDepth * Tile::kRowStride +
                               thread.group * Tile::kGroupDepth * Tile::kColumnStride + thread.column;
#pragma unroll
  for (int k = 0; k < Tile::kGroupDepth; ++k) {
    float a[Tile::kThreadRows], b[Tile::kThreadColumns];
    load_quads<Tile::kThreadRows / 4>(a, rows + k * Tile::kRowStride, Tile::kLaneRows * 4);
    load_quads<Tile::kThreadColumns / 4>(b, columns + k * Tile::kColumnStride, Tile::kLaneColumns * 4);
#pragma unroll
    for (int i = 0; i < Tile::kThreadRows; ++i)
#pragma unroll
      for (int j = 0; j < Tile::kThreadColumns; ++j) sum[i][j] += a[i] * b[j];
  }
}

/// Adds the groups' sums, group 0 first, and passes them to sink(row, column, float4 of 4 columns).
template <class Tile, class Sink>
__device__ __forceinline__ void write_tile(float (&sum)[Tile::kThreadRows][Tile::kThreadColumns],
                                           float* memory, const GemmThread<Tile>& thread, const Sink& sink,
                                           int first_row, int first_column) {
  constexpr int kGroupPass = Tile::kPassRows * Tile::kColumnStride;
  constexpr int kRowQuads = Tile::kColumns / 4;
#pragma unroll
  for (int pass = 0; pass < Tile::kPasses; ++pass) {
    float* const mine = memory + thread.group * kGroupPass + thread.row * Tile::kColumnStride + thread.column;
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int j = 0; j < Tile::kThreadColumns; j += 4) {
        const float(&from)[Tile::kThreadColumns] = sum[4 * pass + i];
        *reinterpret_cast<float4*>(mine + i * Tile::kColumnStride + j * Tile::kLaneColumns) =
            make_float4(from[j], from[j + 1], from[j + 2], from[j + 3]);
      }
    __syncthreads();
#pragma unroll 1
    for (int quad = threadIdx.x; quad < Tile::kPassRows * kRowQuads; quad += Tile::kThreads) {
      const int row = quad / kRowQuads, column = quad % kRowQuads * 4;
      const float* const from = memory + row * Tile::kColumnStride + column;
      float4 total = *reinterpret_cast<const float4*>(from);
#pragma unroll
      for (int group = 1; group < Tile::kGroups; ++group) {
        const float4 part = *reinterpret_cast<const float4*>(from + group * kGroupPass);
        total.x += part.x;
        total.y += part.y;
        total.z += part.z;
        total.w += part.w;
      }
      sink(first_row + pass * Tile::kPassRows + row, first_column + column, total);
    }
    if (pass + 1 < Tile::kPasses) __syncthreads();
  }
}

/// One tile of C, for the depths begin .. end-1. `rows` and `columns` are DepthQuads or RowQuads whose
/// sources are 0 from `end` on. `memory`: Tile::kSharedBytes, 16-byte aligned.
template <class Tile, class Rows, class Columns, class Sink>
__device__ __forceinline__ void gemm(float* memory, Rows rows, Columns columns, const Sink& sink,
                                     int first_row, int first_column, int begin, int end) {
  const GemmThread<Tile> thread;
  float sum[Tile::kThreadRows][Tile::kThreadColumns] = {};
  constexpr int kColumnsAt = Tile::kDepth * Tile::kRowStride;
  rows.fetch(begin);
  columns.fetch(begin);
  rows.store(memory);
  columns.store(memory + kColumnsAt);
  __syncthreads();
  int stage = 0;
  for (int k = begin; k < end; k += Tile::kDepth) {
    const bool more = k + Tile::kDepth < end;
    if (more) {
      rows.fetch(k + Tile::kDepth);
      columns.fetch(k + Tile::kDepth);
    }
    multiply_stage<Tile>(sum, memory + stage, thread);
    stage = Tile::kStage - stage;
    if (more) {
      rows.store(memory + stage);
      columns.store(memory + stage + kColumnsAt);
    }
    __syncthreads();
  }
  write_tile<Tile>(sum, memory, thread, sink, first_row, first_column);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
