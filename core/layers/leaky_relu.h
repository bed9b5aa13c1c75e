// y = x for x > 0, slope x otherwise (Maas et al. 2013).
#pragma once

#include <charconv>
#include <string>

#include "core/layers/elementwise.h"

namespace bellman {

template <class T>
class LeakyReluLayer final : public ElementwiseLayer<T> {
 public:
  static constexpr double kDefaultSlope = 0.01;

  /// Throws: Error unless 0 <= slope <= 1.
  LeakyReluLayer(const Shape& shape, double slope) : ElementwiseLayer<T>(shape), slope_(slope) {
    if (!(slope >= 0 && slope <= 1)) fail("has a slope of ", slope, ", must be from 0 to 1");
  }

  std::string text() const override {
    if (slope_ == kDefaultSlope) return "leaky_relu";
    char digits[32];  // the fewest digits that read back as the same double
    const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, slope_);
    return "leaky_relu " + std::string(digits, end.ptr);
  }

  void forward(BasicBackend<T>& backend, TensorView<T> y, TensorView<const T> x,
               const LayerTensors<T>& /*tensors*/) const override {
    backend.leaky_relu_forward(y, x, static_cast<T>(slope_));
  }
  void backward(BasicBackend<T>& backend, TensorView<T> dx, TensorView<const T> dy, TensorView<const T> x,
                TensorView<const T> /*y*/, const LayerTensors<T>& /*tensors*/) const override {
    if (dx) backend.leaky_relu_backward(dx, dy, x, static_cast<T>(slope_));
  }

 private:
  double slope_;
};

}  // namespace bellman
