#include "bench/cuda/timed_ops.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>

namespace bellman::bench {
namespace {

using Call = std::function<void()>;
using Ops = std::vector<TimedOp>;

double count(Index n) { return static_cast<double>(n); }

// ---- numbers passed through, at a size that no cache holds

void add_elementwise(Ops& ops, Index n) {
  const std::string size = "/" + std::to_string(n);
  const double array = 4 * count(n);
  ops.push_back({"relu_forward" + size, {0, 2 * array}, false, [n](OpTensors& t, const DenseProducts*) {
                   const Tensor y = t.floats({n}), x = t.floats({n});
                   return Call(
                       [=, &backend = t.backend()] { backend.activation_forward(y, x, Activation::kRelu); });
                 }});
  ops.push_back({"add" + size, {0, 3 * array}, false, [n](OpTensors& t, const DenseProducts*) {
                   const Tensor y = t.floats({n}), x = t.floats({n});
                   return Call([=, &backend = t.backend()] { backend.add(y, x); });
                 }});
  ops.push_back({"adam_step" + size, {0, 7 * array}, false, [n](OpTensors& t, const DenseProducts*) {
                   const Tensor p = t.floats({n}), m = t.floats({n}), v = t.floats({n}, 0.5F),
                                g = t.floats({n});
                   return Call([=, &backend = t.backend()] { backend.adam_step(p, m, v, g, 1e-3F, 10, {}); });
                 }});
}

void add_gather(Ops& ops, Index rows, Index width) {
  const std::string size = "/" + std::to_string(rows) + "x" + std::to_string(width);
  const double elements = count(rows * width);
  ops.push_back(
      {"gather" + size, {0, 8 * elements + 4 * count(rows)}, false, [=](OpTensors& t, const DenseProducts*) {
         const Tensor x = t.floats({rows, width}), memory = t.floats({rows, width});
         const ConstIntTensor slot = t.indices(rows, rows);
         return Call([=, &replay = t.ops()] { replay.gather(x, memory, slot); });
       }});
}

/// Frames of (4,84,84) from a memory that no cache holds.
void add_gather_frames(Ops& ops, Index batch, Index slots) {
  constexpr Index kWidth = 4 * 84 * 84;
  ops.push_back({"gather_bytes/" + std::to_string(batch) + "x" + std::to_string(kWidth),
                 {0, 5 * count(batch * kWidth)},
                 false,
                 [=](OpTensors& t, const DenseProducts*) {
                   const Tensor x = t.floats({batch, kWidth});
                   const ConstByteTensor memory = t.bytes({slots, kWidth});
                   const ConstIntTensor slot = t.indices(batch, slots);
                   return Call([=, &replay = t.ops()] { replay.gather_bytes(x, memory, slot); });
                 }});
}

// ---- layers

void add_dense(Ops& ops, Index B, Index I, Index O) {
  const std::string size = "/" + std::to_string(B) + "x" + std::to_string(I) + "->" + std::to_string(O);
  const double flops = 2 * count(B * I * O);
  ops.push_back(
      {"dense_forward" + size, {flops, 0}, true, [=](OpTensors& t, const DenseProducts* library) {
         const Tensor y = t.floats({B, O}), x = t.floats({B, I}), w = t.floats({O, I}), b = t.floats({O});
         if (library) return Call([=] { library->forward(y, x, w, b); });
         return Call([=, &backend = t.backend()] { backend.dense_forward(y, x, w, b); });
       }});
  ops.push_back(
      {"dense_backward" + size, {2 * flops, 0}, true, [=](OpTensors& t, const DenseProducts* library) {
         const Tensor dx = t.floats({B, I}), dw = t.floats({O, I}), db = t.floats({O}), dy = t.floats({B, O}),
                      x = t.floats({B, I}), w = t.floats({O, I});
         if (library) return Call([=] { library->backward(dx, dw, db, dy, x, w); });
         return Call([=, &backend = t.backend()] { backend.dense_backward(dx, dw, db, dy, x, w); });
       }});
}

struct Convolution {
  Shape image;  // (C,H,W)
  Index outputs;
  Window window;
  Shape w_shape() const { return {outputs, image[0], window.kernel_h, window.kernel_w}; }
  Shape y_shape(Index batch) const {
    return {batch, outputs, window.output_h(image[1]), window.output_w(image[2])};
  }
};

/// The three of Mnih et al. 2015.
const Convolution kNatureDqn[] = {{{4, 84, 84}, 32, {8, 8, 4, 4, 0, 0}},
                                  {{32, 20, 20}, 64, {4, 4, 2, 2, 0, 0}},
                                  {{64, 9, 9}, 64, {3, 3, 1, 1, 0, 0}}};

void add_conv2d(Ops& ops, const Convolution& c, Index B) {
  std::ostringstream size;
  size << "/" << B << "x" << c.image << "->" << c.y_shape(B);
  const double flops = 2 * count(c.y_shape(B).elements() / c.outputs * c.w_shape().elements());
  ops.push_back(
      {"conv2d_forward" + size.str(), {flops, 0}, false, [=](OpTensors& t, const DenseProducts*) {
         const Tensor y = t.floats(c.y_shape(B)), x = t.floats(c.image.with_batch(B)),
                      w = t.floats(c.w_shape()), b = t.floats({c.outputs});
         const Tensor scratch = t.scratch(t.backend().conv2d_scratch(x.shape(), w.shape(), c.window));
         return Call([=, &backend = t.backend()] { backend.conv2d_forward(y, x, w, b, c.window, scratch); });
       }});
  // The first layer of a network needs no dx.
  const bool with_dx = c.image[0] != 4;
  ops.push_back({"conv2d_backward" + size.str(),
                 {(with_dx ? 2 : 1) * flops, 0},
                 false,
                 [=](OpTensors& t, const DenseProducts*) {
                   const Tensor x = t.floats(c.image.with_batch(B)), w = t.floats(c.w_shape()),
                                dy = t.floats(c.y_shape(B)), dw = t.floats(c.w_shape()),
                                db = t.floats({c.outputs});
                   const Tensor dx = with_dx ? t.floats(c.image.with_batch(B)) : Tensor();
                   const Tensor scratch =
                       t.scratch(t.backend().conv2d_scratch(x.shape(), w.shape(), c.window));
                   return Call([=, &backend = t.backend()] {
                     backend.conv2d_backward(dx, dw, db, dy, x, w, c.window, scratch);
                   });
                 }});
}

// ---- the sum-tree

/// Nodes of a tree over `leaves` weights between 0.5 and 1.5.
std::vector<double> tree_nodes(Index leaves) {
  std::vector<double> nodes(static_cast<std::size_t>(2 * leaves));
  for (std::size_t i = nodes.size() - 1; i >= 1; --i) {
    const bool leaf = i >= nodes.size() / 2;
    nodes[i] = leaf ? 0.5 + static_cast<double>(i * 7919 % 1009) / 1009 : nodes[2 * i] + nodes[2 * i + 1];
  }
  return nodes;
}

void add_prioritized(Ops& ops, Index leaves, Index B) {
  const std::string size = "/" + std::to_string(leaves) + "/batch:" + std::to_string(B);
  ops.push_back({"prioritized_sample" + size, {}, false, [=](OpTensors& t, const DenseProducts*) {
                   const ConstDoubleTensor nodes = t.doubles(tree_nodes(leaves));
                   const IntTensor slot = t.indices(B, leaves);
                   const Tensor weight = t.floats({B});
                   return Call([=, &replay = t.ops()] {
                     replay.prioritized_sample(slot, weight, nodes,
                                               {.seed = 1, .learn_step = 7, .beta = 0.4});
                   });
                 }});
  ops.push_back({"prioritized_update" + size, {}, false, [=](OpTensors& t, const DenseProducts*) {
                   const DoubleTensor nodes = t.doubles(tree_nodes(leaves)), largest = t.doubles({1.0});
                   const ConstIntTensor slot = t.indices(B, leaves);
                   const ConstTensor td_error = t.floats({B});
                   return Call([=, &replay = t.ops()] {
                     replay.prioritized_update(nodes, largest, slot, td_error, {});
                   });
                 }});
}

}  // namespace

std::vector<TimedOp> timed_ops(Index scale) {
  Ops ops;
  add_elementwise(ops, (Index{1} << 24) / scale);
  add_gather(ops, (Index{1} << 20) / scale, 16);
  add_gather_frames(ops, 32, std::max<Index>(4096 / scale, 2));
  add_gather_frames(ops, 256, std::max<Index>(4096 / scale, 2));
  const Index wide = std::max<Index>(1024 / scale, 16);
  add_dense(ops, wide, wide, wide);
  add_dense(ops, 64, 4, 64);
  add_dense(ops, 64, 64, 64);
  add_dense(ops, 64, 64, 2);
  add_dense(ops, 128, 8, 256);
  add_dense(ops, 128, 256, 256);
  add_dense(ops, 128, 256, 4);
  add_dense(ops, 32, 3136, 512);
  for (const Index batch : {32, 256})
    for (const Convolution& convolution : kNatureDqn)
      add_conv2d(ops, convolution, std::max<Index>(batch / scale, 2));
  add_prioritized(ops, (Index{1} << 20) / scale, 64);
  return ops;
}

}  // namespace bellman::bench
