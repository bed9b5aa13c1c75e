// An image (C,H,W) as a row of features (C H W): the same numbers in the same memory, under another shape.
#pragma once

#include <string>

#include "core/nn/layers/layer.h"
#include "core/nn/layers/sizes.h"

namespace bellman {

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

  // y is x, and dx is dy: the workspace sees to it.
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
