// Max pooling: of each window only the largest number survives.
#pragma once

#include <algorithm>

#include "core/ops/backend.h"
#include "core/reference/arena_ops.h"
#include "core/reference/tensor_access.h"

namespace bellman::reference {

struct Pixel {
  Index h, w;
};

/// The first maximum, in row-major order, of the window of x(B,C,H,W)[n,c] that output (i,j) looks at.
/// Padding takes no part. REQUIRES: padding < kernel, so that the window holds a pixel.
template <class T>
Pixel first_maximum(In<T> x, Index n, Index c, Index i, Index j, const Window& window) {
  const Index top = i * window.stride_h - window.padding_h;
  const Index left = j * window.stride_w - window.padding_w;
  const Index bottom = std::min(top + window.kernel_h, x[2]);
  const Index right = std::min(left + window.kernel_w, x[3]);
  Pixel best = {std::max(top, Index{0}), std::max(left, Index{0})};
  for (Index h = std::max(top, Index{0}); h < bottom; ++h)
    for (Index w = std::max(left, Index{0}); w < right; ++w)
      if (at(x, n, c, h, w) > at(x, n, c, best.h, best.w)) best = {h, w};
  return best;
}

/// y(B,C,OH,OW)[n,c,i,j] = the maximum of its window of x(B,C,H,W)[n,c]. Overwrites y.
template <class T>
void max_pool2d_forward(Out<T> y, In<T> x, const Window& window) {
  for (Index n = 0; n < y[0]; ++n)
    for (Index c = 0; c < y[1]; ++c)
      for (Index i = 0; i < y[2]; ++i)
        for (Index j = 0; j < y[3]; ++j) {
          const Pixel best = first_maximum(x, n, c, i, j, window);
          at(y, n, c, i, j) = at(x, n, c, best.h, best.w);
        }
}

// y[n,c,i,j] = x[n,c,h*,v*], where (h*,v*) is the place of the window's maximum. A small change of any other
// number of the window changes nothing, so
//   dL/dx[n,c,h,v] = the sum of dy[n,c,i,j] over the windows (i,j) whose maximum is at (h,v),
// none, one or, where windows overlap, several. At a tie y has no derivative; the first maximum gets all.
/// dx overwritten.
template <class T>
void max_pool2d_backward(Out<T> dx, In<T> dy, In<T> x, const Window& window) {
  fill(dx, T(0));
  for (Index n = 0; n < dy[0]; ++n)
    for (Index c = 0; c < dy[1]; ++c)
      for (Index i = 0; i < dy[2]; ++i)
        for (Index j = 0; j < dy[3]; ++j) {
          const Pixel best = first_maximum(x, n, c, i, j, window);
          at(dx, n, c, best.h, best.w) += at(dy, n, c, i, j);
        }
}

}  // namespace bellman::reference
