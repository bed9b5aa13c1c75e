// The maximum of each window of an image, channel by channel.
#pragma once

#include <string>

#include "core/nn/layers/layer.h"
#include "core/nn/layers/sizes.h"
#include "core/nn/layers/window_text.h"

namespace bellman {

template <class T>
class MaxPool2dLayer final : public BasicLayer<T> {
 public:
  /// Throws: Error when `input` is no image, the window does not fit it, or a window could lie wholly in the
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

}  // namespace bellman
