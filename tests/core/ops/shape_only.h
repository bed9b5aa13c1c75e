// Tensors for ops that look at shapes and compute nothing.
#pragma once

#include "core/base/tensor.h"

namespace bellman::test {

/// A tensor of which only the shape matters.
template <class T = double>
TensorView<T> of(const Shape& shape) {
  static T number = 0;
  return {&number, shape};
}

inline const TensorView<double> none;

}  // namespace bellman::test
