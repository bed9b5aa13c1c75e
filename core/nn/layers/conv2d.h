// Cross-correlation of an image (C,H,W) with O kernels (C,KH,KW).
#pragma once

#include <string>
#include <vector>

#include "core/nn/layers/layer.h"
#include "core/nn/layers/sizes.h"
#include "core/nn/layers/window_text.h"

namespace bellman {

template <class T>
class Conv2dLayer final : public BasicLayer<T> {
 public:
  /// Throws: Error when `input` is no image, the window does not fit it, or a size is out of range.
  Conv2dLayer(const Shape& input, Index outputs, const Window& window)
      : input_(input), outputs_(outputs), window_(window) {
    check_window(input, window);
    check_size(outputs, 1, "output channels");
    checked_elements(output_shape(), kMaxFeatures, "an output");
    checked_elements(weight_shape(), kMaxParameters, "weights");
  }

  std::string text() const override {
    return "conv " + std::to_string(outputs_) + " " + window_text(window_, 1, 1);
  }
  Shape input_shape() const override { return input_; }
  Shape output_shape() const override {
    return {outputs_, window_.output_h(input_[1]), window_.output_w(input_[2])};
  }
  std::vector<ParameterInfo> parameters() const override {
    // An output is a sum over C KH KW inputs; an input reaches O KH KW outputs (but at the border).
    const Index area = window_.kernel_h * window_.kernel_w;
    const Index fan_in = input_[0] * area, fan_out = outputs_ * area;
    return {{"weight", weight_shape(), ParameterRole::kWeight, fan_in, fan_out},
            {"bias", {outputs_}, ParameterRole::kBias, fan_in, fan_out}};
  }
  Index scratch_elements(const BasicBackend<T>& backend, Index max_batch) const override {
    return backend.conv2d_scratch(input_.with_batch(max_batch), weight_shape(), window_);
  }

  void forward(BasicBackend<T>& backend, TensorView<T> y, TensorView<const T> x,
               const LayerTensors<T>& tensors) const override {
    backend.conv2d_forward(y, x, tensors.parameters[0], tensors.parameters[1], window_, tensors.scratch);
  }
  bool forward_activated(BasicBackend<T>& backend, TensorView<T> z, TensorView<T> y, TensorView<const T> x,
                         const LayerTensors<T>& tensors, Activation activation) const override {
    backend.conv2d_activation_forward(z, y, x, tensors.parameters[0], tensors.parameters[1], window_,
                                      activation, tensors.scratch);
    return true;
  }
  void backward(BasicBackend<T>& backend, TensorView<T> dx, TensorView<const T> dy, TensorView<const T> x,
                TensorView<const T> /*y*/, const LayerTensors<T>& tensors) const override {
    backend.conv2d_backward(dx, tensors.gradients[0], tensors.gradients[1], dy, x, tensors.parameters[0],
                            window_, tensors.scratch);
  }

 private:
  Shape weight_shape() const { return {outputs_, input_[0], window_.kernel_h, window_.kernel_w}; }

  Shape input_;
  Index outputs_;
  Window window_;
};

}  // namespace bellman
