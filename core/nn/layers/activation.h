// y = f(x), element by element: any shape in, the same shape out, no parameters.
#pragma once

#include <charconv>
#include <string>

#include "core/nn/layers/layer.h"
#include "core/nn/layers/sizes.h"

namespace bellman {

template <class T>
class ActivationLayer final : public BasicLayer<T> {
 public:
  /// Throws: Error when `shape` is too large, or the function's number is out of its range.
  ActivationLayer(const Shape& shape, Activation f) : shape_(shape), f_(f), info_(info_of(f.kind)) {
    checked_elements(shape, kMaxFeatures, "an input");
    if (info_.parameter && !(f.parameter >= info_.least && f.parameter <= info_.most))
      fail("has a ", info_.parameter, " of ", f.parameter, ", must be from ", info_.least, " to ",
           info_.most);
  }

  std::string text() const override {
    if (!info_.parameter || f_.parameter == info_.usual) return info_.name;
    char digits[32];  // the fewest digits that read back as the same double
    const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, f_.parameter);
    return std::string(info_.name) + " " + std::string(digits, end.ptr);
  }
  Shape input_shape() const override { return shape_; }
  Shape output_shape() const override { return shape_; }
  Activation activation() const override { return f_; }

  void forward(BasicBackend<T>& backend, TensorView<T> y, TensorView<const T> x,
               const LayerTensors<T>& /*tensors*/) const override {
    backend.activation_forward(y, x, f_);
  }
  void backward(BasicBackend<T>& backend, TensorView<T> dx, TensorView<const T> dy, TensorView<const T> x,
                TensorView<const T> y, const LayerTensors<T>& /*tensors*/) const override {
    if (dx) backend.activation_backward(dx, dy, info_.keeps_output ? y : x, f_);
  }

 private:
  Shape shape_;
  Activation f_;
  const ActivationInfo& info_;
};

}  // namespace bellman
