// A layer: sizes, wiring and initialisation. It owns no memory and no state, and calls ops; ops hold the
// mathematics. Sizes are checked when a layer is made, since a network's text may come from anybody.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/base/tensor.h"
#include "core/ops/backend.h"

namespace bellman {

// ---- Limits of sizes, checked when a layer is made: a network's text may come from anybody. Messages continue
// the sentence "layer 3 (dense 64) ...", which the network begins.

/// The most features that a sample may have between two layers, and the largest number a layer's text takes.
inline constexpr Index kMaxFeatures = Index{1} << 24;
/// The most parameters of a network.
inline constexpr Index kMaxParameters = Index{1} << 31;

/// The product of the extents, computed without overflow. Throws: Error, naming `what`, when it exceeds
/// `limit` or an extent is not positive.
inline Index checked_elements(const Shape& shape, Index limit, const char* what) {
  Index n = 1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] < 1) fail("has ", what, " of shape ", shape, ": every extent must be at least 1");
    if (n > limit / shape[i]) fail("has ", what, " of shape ", shape, ", more than ", limit, " numbers");
    n *= shape[i];
  }
  return n;
}

/// Throws: Error unless lowest <= value <= kMaxFeatures.
inline void check_size(Index value, Index lowest, const char* what) {
  if (value < lowest || value > kMaxFeatures)
    fail("has ", what, " ", value, ", must be from ", lowest, " to ", kMaxFeatures);
}

/// Throws: Error unless a sample of `shape` is a row of features (I).
inline void check_features(const Shape& shape) {
  if (shape.rank() != 1) fail("expects features (I) but gets ", shape, ": put flatten before it");
  checked_elements(shape, kMaxFeatures, "an input");
}

/// Throws: Error unless a sample of `shape` is an image (C,H,W).
inline void check_image(const Shape& shape) {
  if (shape.rank() != 3) fail("expects an image (C,H,W) but gets ", shape);
  checked_elements(shape, kMaxFeatures, "an input");
}

// ---- A layer: sizes, wiring and initialisation. It owns no memory and no state, and calls ops; ops hold the
// mathematics.

/// What a parameter is, for the initialisers (core/nn/initialisers.h).
enum class ParameterRole { kWeight, kBias, kGain /* starts at 1 */, kOffset /* starts at 0 */ };

struct ParameterInfo {
  std::string name;  // within the layer: "weight", "value.bias"
  Shape shape;
  ParameterRole role = ParameterRole::kWeight;
  Index fan_in = 0, fan_out = 0;
  /// The layer's output is linear in it. BasicNetwork::parameters() leaves it true only in the network's last
  /// layer with weights: what makes the outputs.
  bool makes_output = true;
};

/// The tensors of one layer, in the order its declarations name them. `activations` are values that forward
/// leaves for backward (a layer's inner tensors, layer_norm's mean); `d_activations` have the same shapes and
/// receive their gradients; both have a place, and a name, in the network's workspace.
template <class T>
struct LayerTensors {
  std::span<const TensorView<const T>> parameters;
  std::span<const TensorView<T>> gradients;    // accumulated by backward
  std::span<const TensorView<T>> activations;  // for the batch at hand
  std::span<const TensorView<T>>
      d_activations;      // for the batch at hand; no tensor where there is no gradient
  TensorView<T> scratch;  // scratch_elements() numbers of no meaning afterwards
};

struct InnerTensor {
  std::string name;          // within the layer: "value", "advantage", "mean"
  Shape shape;               // without the batch; a number a sample is (1)
  bool has_gradient = true;  // false: backward leaves no gradient of it (layer_norm's mean)
};

template <class T>
class BasicLayer {
 public:
  /// At most so many parameters, and so many inner tensors, a layer: the passes keep their views on the
  /// stack.
  static constexpr std::size_t kMaxTensors = 8;

  virtual ~BasicLayer() = default;

  /// The layer as a network's text writes it: "dense 64", "conv 16 3x3 stride 2".
  virtual std::string text() const = 0;
  /// Shapes of one sample.
  virtual Shape input_shape() const = 0;
  virtual Shape output_shape() const = 0;
  virtual std::vector<ParameterInfo> parameters() const { return {}; }
  virtual std::vector<InnerTensor> activations() const { return {}; }
  virtual Index scratch_elements(const BasicBackend<T>& /*backend*/, Index /*max_batch*/) const { return 0; }
  /// True for a layer whose y is x under another shape: the workspace then gives x and y the same memory, and
  /// dx and dy too, so that both passes have nothing to do.
  virtual bool is_reshape() const { return false; }

  /// The function that this layer is, when it is one of each element; a product before it may then apply it
  /// in its own op. kNone: it is something else.
  virtual Activation activation() const { return Activation::kNone; }
  /// y as forward and z = activation(y), in one op. False, having done nothing, when the layer has no such
  /// op.
  virtual bool forward_activated(BasicBackend<T>& /*backend*/, TensorView<T> /*z*/, TensorView<T> /*y*/,
                                 TensorView<const T> /*x*/, const LayerTensors<T>& /*tensors*/,
                                 Activation /*activation*/) const {
    return false;
  }

  /// y(B, output_shape) overwritten.
  virtual void forward(BasicBackend<T>& backend, TensorView<T> y, TensorView<const T> x,
                       const LayerTensors<T>& tensors) const = 0;
  /// dx(B, input_shape) overwritten, skipped when it is no tensor; tensors.gradients accumulated. x and y are
  /// those of the forward pass.
  virtual void backward(BasicBackend<T>& backend, TensorView<T> dx, TensorView<const T> dy,
                        TensorView<const T> x, TensorView<const T> y,
                        const LayerTensors<T>& tensors) const = 0;
};

}  // namespace bellman
