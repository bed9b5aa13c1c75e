// y = 1 / (1 + exp(-x)).
#pragma once

#include <optional>
#include <string>

#include "core/layers/elementwise.h"

namespace bellman {

template <class T>
class SigmoidLayer final : public ElementwiseLayer<T> {
 public:
  using ElementwiseLayer<T>::ElementwiseLayer;

  std::string text() const override { return "sigmoid"; }

  std::optional<Activation> activation() const override { return Activation::kSigmoid; }
  void forward(BasicBackend<T>& backend, TensorView<T> y, TensorView<const T> x,
               const LayerTensors<T>& /*tensors*/) const override {
    backend.sigmoid_forward(y, x);
  }
  void backward(BasicBackend<T>& backend, TensorView<T> dx, TensorView<const T> dy, TensorView<const T> /*x*/,
                TensorView<const T> y, const LayerTensors<T>& /*tensors*/) const override {
    if (dx) backend.sigmoid_backward(dx, dy, y);
  }
};

}  // namespace bellman
