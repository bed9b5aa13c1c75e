// Computes the layout of cuda/fused/dqn_layout.h on the host.
#include "cuda/fused/dqn_layout.h"

#include <algorithm>

#include "core/base/check.h"
#include "cuda/base/integers.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

constexpr int kLargestSize = 1 << 20;  // of a layer; no shared memory comes near

int padded(Index n) {
  if (n > kLargestSize) fail("it has a layer of ", n, " features, ", kLargestSize, " is the most");
  return static_cast<int>((n + 3) / 4 * 4);
}
int stride(int columns) { return columns / 4 % 2 == 1 ? columns : columns + 4; }

/// Builds the chain of layers; rows and places are set later.
class Chain {
 public:
  Chain(DqnLayout& layout, const DenseChain& chain) : layout_(layout) {
    layout_.inputs = static_cast<int>(chain.inputs);
    layout_.actions = static_cast<int>(chain.actions);
    layout_.dueling = !chain.value.empty();
    width_ = padded(chain.inputs);
    layout_.input_stride = stride(width_);
    samples_ = layout_.input_stride;  // a row of every array; times the rows later
    for (const DenseChain::Dense& dense : chain.trunk) {
      begin_layer(padded(dense.outputs), dense.after);
      put(dense, 0, 0);
    }
    const std::size_t streams = chain.value.size();
    if (streams == 2) {
      const int hidden = padded(chain.value[0].outputs);
      begin_layer(2 * hidden, Activation::kRelu);
      put(chain.value[0], 0, 0);
      put(chain.advantage[0], hidden, 0);
      layout_.value_columns = hidden;
    }
    if (streams > 0) {
      begin_layer(4 + padded(chain.actions), Activation::kNone);
      put(chain.value.back(), 0, 0);
      put(chain.advantage.back(), 4, layout_.value_columns);
    }
  }
  /// Floats that a sample needs in x_0 .. x_L.
  int samples() const { return samples_; }

 private:
  void begin_layer(int outputs, Activation::Kind after) {
    if (layout_.layers == kMostFusedLayers) fail("it has more than ", kMostFusedLayers, " layers");
    FusedLayer& layer = layout_.layer[layout_.layers++];
    layer.inputs = width_;
    layer.outputs = outputs;
    layer.in_stride = stride(width_);
    layer.out_stride = stride(outputs);
    layer.weight = layout_.parameters;
    layer.bias = layer.weight + outputs * layer.in_stride;
    layout_.parameters = layer.bias + outputs;
    layer.in_x = samples_ - layer.in_stride;
    layer.x = samples_;
    samples_ += layer.out_stride;
    layer.before = after_;
    layer.after = after;
    width_ = outputs;
    after_ = after;
  }

  /// The dense layer's tensors begin at that row and column of the layer begun last.
  void put(const DenseChain::Dense& dense, int row, int column) {
    const FusedLayer& layer = layout_.layer[layout_.layers - 1];
    const int outputs = static_cast<int>(dense.outputs), inputs = static_cast<int>(dense.inputs);
    add({checked_int("fused_dqn", "the arena", dense.weight), outputs, inputs,
         layer.weight + row * layer.in_stride + column, layer.in_stride});
    add({checked_int("fused_dqn", "the arena", dense.bias), 1, outputs, layer.bias + row, 0});
  }
  void add(const FusedTensor& tensor) {
    layout_.tensor[layout_.tensors++] = tensor;
    layout_.arena = std::max(layout_.arena, tensor.arena + tensor.rows * tensor.columns);
  }

  DqnLayout& layout_;
  int width_ = 0, samples_ = 0;
  Activation::Kind after_ = Activation::kNone;
};

/// log2 of the lanes for a tile of a product of `tiles` tiles and a depth of `chunks` chunks, computed by
/// `threads` threads: as many lanes as there are threads, and chunks.
int split_of(int tiles, int chunks, int threads) {
  int split = 0;
  while (split < 4 && (tiles << (split + 1)) <= threads && (2 << split) <= chunks) ++split;
  return split;
}

void choose_splits(DqnLayout& layout, int passes) {
  const int row_tiles = layout.rows / 4;
  for (int i = 0; i < layout.layers; ++i) {
    FusedLayer& layer = layout.layer[i];
    const int in_tiles = layer.inputs / 4, out_tiles = layer.outputs / 4;
    const int threads = i > 0 ? kFusedThreads / 2 : kFusedThreads;  // dx and dw side by side
    layer.forward_split = split_of(passes * row_tiles * out_tiles, in_tiles, kFusedThreads);
    layer.act_split = split_of(out_tiles, in_tiles, kFusedThreads);
    layer.dx_split = split_of(row_tiles * in_tiles, out_tiles, threads);
    layer.dw_split = split_of(out_tiles * in_tiles, row_tiles, threads);
  }
}

/// The layout with places for `rows` samples at a time. `row_floats`: of x_0 .. x_L.
DqnLayout placed(DqnLayout layout, FusedPlace place, int rows, int row_floats, int passes) {
  layout.place = place;
  layout.rows = rows;
  int floats = 0;
  const auto take = [&floats](int count) {
    const int begin = floats;
    floats += count;
    return begin;
  };
  layout.online = take(layout.parameters);
  layout.gradient = take(layout.parameters);
  if (place != FusedPlace::kMomentsAndTargetOutside) layout.target = take(layout.parameters);
  if (place == FusedPlace::kAllShared) {
    layout.m = take(layout.parameters);
    layout.v = take(layout.parameters);
  }
  layout.s = take(rows * row_floats);
  layout.next = take(rows * row_floats);
  // x'_0 is stored once, in `next`: the online network's x' begin at x'_1.
  if (passes == 3)
    layout.next_online = take(rows * (row_floats - layout.input_stride)) - rows * layout.input_stride;
  layout.sums = take(static_cast<int>(sizeof(FusedSums) / sizeof(float)));
  layout.shared_bytes = floats * static_cast<int>(sizeof(float));
  for (int i = 0; i < layout.layers; ++i) {
    layout.layer[i].x *= rows;
    layout.layer[i].in_x *= rows;
  }
  choose_splits(layout, passes);
  return layout;
}

}  // namespace

DqnLayout dqn_layout(const DenseChain& chain, const FusedDqnOptions& options, int most_shared_bytes) {
  DqnLayout layout;
  layout.batch = checked_int("fused_dqn", "the batch", options.batch);
  const int row_floats = Chain(layout, chain).samples();
  const int passes = options.double_dqn && options.target_network ? 3 : 2;
  const int most_rows = std::min(64, padded(std::min<Index>(options.batch, 64)));
  const double least = 4.0 * ((2.0 * layout.parameters) + 4.0 * passes * row_floats) + sizeof(FusedSums);
  if (least > 1e9)
    fail("it needs ", least, " bytes of shared memory, a block of this device has ", most_shared_bytes);
  for (const int least_rows : {32, 4})
    for (const FusedPlace place :
         {FusedPlace::kAllShared, FusedPlace::kMomentsOutside, FusedPlace::kMomentsAndTargetOutside})
      for (int rows = most_rows; rows >= std::min(least_rows, most_rows); rows = rows / 2 / 4 * 4) {
        const DqnLayout found = placed(layout, place, rows, row_floats, passes);
        if (found.shared_bytes <= most_shared_bytes) return found;
        if (rows == 4) break;
      }
  const DqnLayout smallest = placed(layout, FusedPlace::kMomentsAndTargetOutside, 4, row_floats, passes);
  fail("it needs ", smallest.shared_bytes,
       " bytes of shared memory for parameters, gradients and 4 samples; a block of this device has ",
       most_shared_bytes);
}

std::string describe(const DqnLayout& layout, int most_shared_bytes) {
  const char* const where = layout.place == FusedPlace::kAllShared ? "everything in shared memory"
                            : layout.place == FusedPlace::kMomentsOutside
                                ? "all but the moments in shared memory"
                                : "parameters and gradients in shared memory";
  return std::string(where) + " (" + std::to_string(layout.shared_bytes) + " of " +
         std::to_string(most_shared_bytes) + " bytes), " + std::to_string(layout.rows) + " samples at a time";
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
