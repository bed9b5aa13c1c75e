// The executor runs kernels; a library's cannot be run by it. Every product is our own.
#pragma once

#include "core/base/tensor.h"
#include "cuda/base/runtime.h"

namespace bellman::simt {

class LibraryProducts {
 public:
  explicit LibraryProducts(Stream& /*stream*/) {}
  bool takes(const Shape& /*x*/, const Shape& /*w*/) { return false; }
  bool dense_forward(Tensor, ConstTensor, ConstTensor, ConstTensor) { return false; }
  bool dense_backward(Tensor, Tensor, Tensor, ConstTensor, ConstTensor, ConstTensor) { return false; }
};

}  // namespace bellman::simt
