// Element access for the reference loops: at(x, n, i) is x[n,i]. Always inlined: a sanitizer's checks make it too long for
// the compiler's own choice, and the loops call nothing else.
#pragma once

#include "core/base/tensor.h"

namespace bellman::reference {

template <class T>
using Out = TensorView<T>;
template <class T>
using In = TensorView<const T>;

/// The i-th element in row-major order, whatever the shape.
template <class T>
[[gnu::always_inline]] inline T& at(TensorView<T> t, Index i) {
  return t.data()[i];
}

/// Element [r,c] of a matrix (R,C): rows lie one after the other.
template <class T>
[[gnu::always_inline]] inline T& at(TensorView<T> t, Index r, Index c) {
  return t.data()[r * t[1] + c];
}

/// Element [n,c,h,w] of images (B,C,H,W), or of kernels (O,C,KH,KW).
template <class T>
[[gnu::always_inline]] inline T& at(TensorView<T> t, Index n, Index c, Index h, Index w) {
  return t.data()[((n * t[1] + c) * t[2] + h) * t[3] + w];
}

}  // namespace bellman::reference
