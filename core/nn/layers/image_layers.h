// Layers on images (C,H,W): convolution, max pooling, and flatten, which turns an image into features.
#pragma once

#include <string>
#include <vector>

#include "core/nn/layers/layer.h"
#include "core/ops/backend.h"

namespace bellman {

/// "2" for equal extents, "2x1" otherwise.
inline std::string extents_text(Index h, Index w) {
  return h == w ? std::to_string(h) : std::to_string(h) + "x" + std::to_string(w);
}

/// "3x3 stride 2 padding 1", without a stride or padding that is the layer's default.
inline std::string window_text(const Window& window, Index default_stride_h, Index default_stride_w) {
  std::string text = std::to_string(window.kernel_h) + "x" + std::to_string(window.kernel_w);
  if (window.stride_h != default_stride_h || window.stride_w != default_stride_w)
    text += " stride " + extents_text(window.stride_h, window.stride_w);
  if (window.padding_h != 0 || window.padding_w != 0)
    text += " padding " + extents_text(window.padding_h, window.padding_w);
  return text;
}

/// Throws: Error when `input` is not an image (C,H,W), an extent of the window is out of range, or the window
/// does not fit the padded image.
inline void check_window(const Shape& input, const Window& window) {
  check_image(input);
  check_size(window.kernel_h, 1, "a kernel height");
  check_size(window.kernel_w, 1, "a kernel width");
  check_size(window.stride_h, 1, "a stride");
  check_size(window.stride_w, 1, "a stride");
  check_size(window.padding_h, 0, "a padding");
  check_size(window.padding_w, 0, "a padding");
  if (window.output_h(input[1]) < 1 || window.output_w(input[2]) < 1)
    fail("has a window of ", window.kernel_h, "x", window.kernel_w, ", which does not fit an image ", input,
         " with padding ", window.padding_h, "x", window.padding_w);
}

/// Cross-correlation of an image (C,H,W) with O kernels (C,KH,KW).
template <class T>
class Conv2dLayer final : public BasicLayer<T> {
 public:
  /// Throws: Error when `input` is not an image, the window does not fit it, or a size is out of range.
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
    // An output is a sum over C KH KW inputs; an input reaches O KH KW outputs (except near the border).
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

/// The maximum of each window of an image, channel by channel.
template <class T>
class MaxPool2dLayer final : public BasicLayer<T> {
 public:
  /// Throws: Error when `input` is not an image, the window does not fit it, or a window could lie within the
  /// padding.
  MaxPool2dLayer(const Shape& input, const Window& window) : input_(input), window_(window) {
    check_window(input, window);
    if (2 * window.padding_h > window.kernel_h || 2 * window.padding_w > window.kernel_w)
      fail("has a padding of ", window.padding_h, "x", window.padding_w, ", more than half its window");
    checked_elements(output_shape(), kMaxFeatures, "an output");
  }

  std::string text() const override {
    return "max_pool " + window_text(window_, window_.kernel_h, window_.kernel_w);
  }
  Shape input_shape() const override { return input_; }
  Shape output_shape() const override {
    return {input_[0], window_.output_h(input_[1]), window_.output_w(input_[2])};
  }

  void forward(BasicBackend<T>& backend, TensorView<T> y, TensorView<const T> x,
               const LayerTensors<T>& /*tensors*/) const override {
    backend.max_pool2d_forward(y, x, window_);
  }
  void backward(BasicBackend<T>& backend, TensorView<T> dx, TensorView<const T> dy, TensorView<const T> x,
                TensorView<const T> /*y*/, const LayerTensors<T>& /*tensors*/) const override {
    if (dx) backend.max_pool2d_backward(dx, dy, x, window_);
  }

 private:
  Shape input_;
  Window window_;
};

/// An image (C,H,W) as a row of features (C H W): the same memory under another shape.
template <class T>
class FlattenLayer final : public BasicLayer<T> {
 public:
  /// Throws: Error when `input` is too large.
  explicit FlattenLayer(const Shape& input)
      : input_(input), features_(checked_elements(input, kMaxFeatures, "an input")) {}

  std::string text() const override { return "flatten"; }
  Shape input_shape() const override { return input_; }
  Shape output_shape() const override { return {features_}; }
  bool is_reshape() const override { return true; }

  // The workspace gives x and y, dx and dy the same memory.
  void forward(BasicBackend<T>& /*backend*/, TensorView<T> y, TensorView<const T> x,
               const LayerTensors<T>& /*tensors*/) const override {
    BELLMAN_CHECK(y.data() == x.data());
  }
  void backward(BasicBackend<T>& /*backend*/, TensorView<T> dx, TensorView<const T> dy,
                TensorView<const T> /*x*/, TensorView<const T> /*y*/,
                const LayerTensors<T>& /*tensors*/) const override {
    BELLMAN_CHECK(!dx || dx.data() == dy.data());
  }

 private:
  Shape input_;
  Index features_;
};

}  // namespace bellman
