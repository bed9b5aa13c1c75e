// y(B,O) = x(B,I) w(O,I)^T + b(O).
#pragma once

#include <string>
#include <vector>

#include "core/nn/layers/layer.h"
#include "core/nn/layers/sizes.h"

namespace bellman {

template <class T>
class DenseLayer final : public BasicLayer<T> {
 public:
  /// Throws: Error when `input` is no row of features or a size is out of range.
  DenseLayer(const Shape& input, Index outputs) : inputs_(input[0]), outputs_(outputs) {
    check_features(input);
    check_size(outputs, 1, "outputs");
  }

  std::string text() const override { return "dense " + std::to_string(outputs_); }
  Shape input_shape() const override { return {inputs_}; }
  Shape output_shape() const override { return {outputs_}; }
  std::vector<ParameterInfo> parameters() const override {
    return {{"weight", {outputs_, inputs_}, ParameterRole::kWeight, inputs_, outputs_},
            {"bias", {outputs_}, ParameterRole::kBias, inputs_, outputs_}};
  }

  void forward(BasicBackend<T>& backend, TensorView<T> y, TensorView<const T> x,
               const LayerTensors<T>& tensors) const override {
    backend.dense_forward(y, x, tensors.parameters[0], tensors.parameters[1]);
  }
  bool forward_activated(BasicBackend<T>& backend, TensorView<T> z, TensorView<T> y, TensorView<const T> x,
                         const LayerTensors<T>& tensors, Activation activation) const override {
    backend.dense_activation_forward(z, y, x, tensors.parameters[0], tensors.parameters[1], activation);
    return true;
  }
  void backward(BasicBackend<T>& backend, TensorView<T> dx, TensorView<const T> dy, TensorView<const T> x,
                TensorView<const T> /*y*/, const LayerTensors<T>& tensors) const override {
    backend.dense_backward(dx, tensors.gradients[0], tensors.gradients[1], dy, x, tensors.parameters[0]);
  }

 private:
  Index inputs_, outputs_;
};

}  // namespace bellman
