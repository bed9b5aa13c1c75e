// Where everything of a fused learn step lies in a block's shared memory, and what fits
// (cuda/fused/learner.cuh).
//
// Matrices are row-major, their rows and columns padded with zeros to multiples of 4, so that a thread reads
// four neighbours with one instruction. A row begins stride(columns) floats after the one before: a multiple
// of 4 floats whose quarter is odd, so that the same column of eight neighbouring rows lies in eight
// different groups of four banks: reading down a column is as fast as reading along a row.
//
//   parameters   per layer: w (O, stride(I)), b (O). Five arrays of this layout: online, gradient,
//                target, m, v
//   samples      of s:      x_0 .. x_L   (rows, stride(width))
//                of s':     x'_0 .. x'_L by the target network. Once y is known they are free, and
//                           x'_1 .. x'_L become dL/dy_1 .. dL/dy_L of s
//                of s', Double DQN: x'_1 .. x'_L by the online network
//   sums         the warps' partial sums, and Adam's numbers of the step
//
// A batch of more rows than fit is processed in pieces of `rows` samples, whose gradients are added.
//
// The dueling head is a chain, too: the layers of both streams are stacked into one, the value's outputs
// first, each stream's padded to a multiple of 4. Where the streams have a hidden layer, the last matrix
// consists of two blocks on the diagonal; the numbers beside them are zero and stay zero.
//
//   hidden:  w = | value.0     |        last:  w = | value.2      0          |  4 rows, 1 is used
//                | advantage.0 |                   | 0            advantage.2 |
#pragma once

#include <string>

#include "core/nn/fused_dqn.h"
#include "cuda/base/dialect.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

inline constexpr int kFusedThreads = 512;
inline constexpr int kFusedWarps = kFusedThreads / 32;
// Bounds a kernel's registers: 128 a thread; or 96, by claiming a quarter more threads than there are.
#ifdef BELLMAN_SPARE_REGISTERS
inline constexpr int kFusedLaunchBound = kFusedThreads / 4 * 5;
#else
inline constexpr int kFusedLaunchBound = kFusedThreads;
#endif
inline constexpr int kMostFusedLayers = 8, kMostFusedTensors = 24;

/// Arrays that do not fit into shared memory lie in the device's memory, in the same layout.
enum class FusedPlace { kAllShared, kMomentsOutside, kMomentsAndTargetOutside };

/// Of one dense layer. Offsets and strides are in floats.
struct FusedLayer {
  int inputs, outputs;        // padded
  int in_stride, out_stride;  // of its input and of w; of its output
  int weight, bias;           // within the parameters
  int x, in_x;                // its output and its input, within the samples
  Activation::Kind after,
      before;  // the functions applied to its output, and by the layer before to its input
  // log2 of the number of lanes that share a tile (cuda/fused/tile.cuh)
  int forward_split, act_split, dx_split, dw_split;  // act: a pass of few rows
};

/// A tensor of the arena and its place among the padded parameters.
struct FusedTensor {
  int arena, rows, columns, place, stride;
};

struct DqnLayout {
  int layers = 0, tensors = 0;
  FusedLayer layer[kMostFusedLayers] = {};
  FusedTensor tensor[kMostFusedTensors] = {};
  int inputs = 0, input_stride = 0, actions = 0;
  bool dueling = false;
  int value_columns = 0;  // of the last layer: those of the value's block; 0: it is one block
  int batch = 0, rows = 0;
  int parameters = 0;  // floats of the padded parameters
  int arena = 0;       // floats of the arena, as far as tensors reach
  FusedPlace place = FusedPlace::kAllShared;
  // Where the arrays begin, in floats from the start of shared memory. Not set for arrays outside.
  int online = 0, gradient = 0, target = 0, m = 0, v = 0;
  int s = 0, next = 0, next_online = 0, sums = 0;
  int shared_bytes = 0;
};

struct FusedSums {
  double loss[kFusedWarps], q[kFusedWarps], squares[kFusedWarps];  // by warp
  float step_size, inverse_root_correction2;                       // of Adam at this step
  int overflowed;
};

/// The first that fits of: everything in shared memory; the moments outside; the target outside, too. Each
/// with as many rows as fit, at most 64. Throws: Error, with the bytes needed and available, when none fits.
DqnLayout dqn_layout(const DenseChain& chain, const FusedDqnOptions& options, int most_shared_bytes);

/// "all in shared memory (171776 of 232448 bytes), 64 samples at a time".
std::string describe(const DqnLayout& layout, int most_shared_bytes);

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
