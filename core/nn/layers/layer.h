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

// ---- limits of sizes. Messages continue the sentence "layer 3 (dense 64) ...", which the network begins.

/// The most features of a sample between two layers, and the largest number in a layer's text.
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

// ---- the interface

/// What a parameter is, for the initialisers (core/nn/initialisers.h).
enum class ParameterRole { kWeight, kBias, kGain /* starts at 1 */, kOffset /* starts at 0 */ };

struct ParameterInfo {
  std::string name;  // within the layer: "weight", "value.bias"
  Shape shape;
  ParameterRole role = ParameterRole::kWeight;
  Index fan_in = 0, fan_out = 0;
  /// The layer's output is linear in it. BasicNetwork::parameters() keeps it true only in the network's last
  /// layer with weights, which computes the outputs.
  bool makes_output = true;
};

/// The tensors of one layer, in the order of its declarations. `activations` are values that forward keeps
/// for backward (inner tensors, layer_norm's mean). `d_activations` have the same shapes and receive their
/// gradients. Both lie, with names, in the network's workspace.
template <class T>
struct LayerTensors {
  std::span<const TensorView<const T>> parameters;
  std::span<const TensorView<T>> gradients;  // accumulated by backward
  std::span<const TensorView<T>> activations;
  std::span<const TensorView<T>> d_activations;  // no tensor where there is no gradient
  TensorView<T> scratch;                         // scratch_elements() numbers, meaningless afterwards
};

struct InnerTensor {
  std::string name;          // within the layer: "value", "advantage", "mean"
  Shape shape;               // without the batch; (1) for one number per sample
  bool has_gradient = true;  // false: backward computes no gradient of it (layer_norm's mean)
};

template <class T>
class BasicLayer {
 public:
  /// The most parameters, and the most inner tensors, of a layer: the passes keep their views on the stack.
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
  /// True when y is x under another shape. The workspace then shares memory between x and y and between dx
  /// and dy, and both passes do nothing.
  virtual bool is_reshape() const { return false; }

  /// The function of an elementwise layer, which the layer before it may apply in its own op; kNone for other
  /// layers.
  virtual Activation activation() const { return Activation::kNone; }
  /// y as forward and z = activation(y), in one op. Returns false, without effect, when the layer has no such
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
