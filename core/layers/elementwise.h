// What the activations share: any shape in, the same shape out, no parameters.
#pragma once

#include "core/layers/layer.h"
#include "core/layers/sizes.h"

namespace bellman {

template <class T>
class ElementwiseLayer : public BasicLayer<T> {
 public:
  /// Throws: Error when `shape` is too large.
  explicit ElementwiseLayer(const Shape& shape) : shape_(shape) {
    checked_elements(shape, kMaxFeatures, "an input");
  }
  Shape input_shape() const final { return shape_; }
  Shape output_shape() const final { return shape_; }

 private:
  Shape shape_;
};

}  // namespace bellman
