// A layer: sizes, wiring and initialisation. It owns no memory and no state, and calls ops; ops hold the
// mathematics.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/base/tensor.h"
#include "core/ops/backend.h"

namespace bellman {

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
