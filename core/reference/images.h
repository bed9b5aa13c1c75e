// The layers on images: convolution and max pooling.
#pragma once

#include <algorithm>

#include "core/ops/backend.h"
#include "core/reference/arena_ops.h"
#include "core/reference/tensor_access.h"

namespace bellman::reference {

// ---- convolution: a small kernel slides over the image, with the same weights at each position

/// y(B,O,OH,OW)[n,o,i,j] = b[o] + sum_{c,p,q} w(O,C,KH,KW)[o,c,p,q] x(B,C,H,W)[n,c,h,v], with
/// h = i stride_h + p - padding_h and v = j stride_w + q - padding_w; outside the image x is 0. Overwrites y.
template <class T>
void conv2d_forward(Out<T> y, In<T> x, In<T> w, In<T> b, const Window& window) {
  const Index B = x[0], C = x[1], H = x[2], W = x[3];
  const Index O = w[0], KH = w[2], KW = w[3], OH = y[2], OW = y[3];
  for (Index n = 0; n < B; ++n)
    for (Index o = 0; o < O; ++o)
      for (Index i = 0; i < OH; ++i)
        for (Index j = 0; j < OW; ++j) {
          T sum = at(b, o);
          for (Index c = 0; c < C; ++c)
            for (Index p = 0; p < KH; ++p)
              for (Index q = 0; q < KW; ++q) {
                const Index h = i * window.stride_h + p - window.padding_h;
                const Index v = j * window.stride_w + q - window.padding_w;
                if (h < 0 || h >= H || v < 0 || v >= W) continue;  // padding: zero
                sum += at(w, o, c, p, q) * at(x, n, c, h, v);
              }
          at(y, n, o, i, j) = sum;
        }
}

// y is a sum of products w[o,c,p,q] x[n,c,h,v], one for each (n,o,i,j,c,p,q) whose pixel (h,v) lies within
// the image. Each product passes dy[n,o,i,j] to both factors, multiplied by the other one:
//   dL/dw[o,c,p,q] = sum_{n,i,j} dy[n,o,i,j] x[n,c,h,v]      a weight is used at every position (i,j)
//   dL/dx[n,c,h,v] = sum_{o,i,j,p,q} dy[n,o,i,j] w[o,c,p,q]  over all windows that cover the pixel (h,v)
//   dL/db[o]       = sum_{n,i,j} dy[n,o,i,j]
// So the loops are those of the forward pass, and each product adds to the sums.
/// dw, db accumulated; dx overwritten, skipped when it is no tensor.
template <class T>
void conv2d_backward(Out<T> dx, Out<T> dw, Out<T> db, In<T> dy, In<T> x, In<T> w, const Window& window) {
  const Index B = x[0], C = x[1], H = x[2], W = x[3];
  const Index O = w[0], KH = w[2], KW = w[3], OH = dy[2], OW = dy[3];
  if (dx) fill(dx, T(0));
  for (Index n = 0; n < B; ++n)
    for (Index o = 0; o < O; ++o)
      for (Index i = 0; i < OH; ++i)
        for (Index j = 0; j < OW; ++j) {
          const T d = at(dy, n, o, i, j);
          at(db, o) += d;
          for (Index c = 0; c < C; ++c)
            for (Index p = 0; p < KH; ++p)
              for (Index q = 0; q < KW; ++q) {
                const Index h = i * window.stride_h + p - window.padding_h;
                const Index v = j * window.stride_w + q - window.padding_w;
                if (h < 0 || h >= H || v < 0 || v >= W) continue;
                at(dw, o, c, p, q) += d * at(x, n, c, h, v);
                if (dx) at(dx, n, c, h, v) += d * at(w, o, c, p, q);
              }
        }
}

// ---- max pooling: only the largest number of each window remains

struct Pixel {
  Index h, w;
};

/// The first maximum, in row-major order, of output (i,j)'s window of x(B,C,H,W)[n,c], without the padding.
/// REQUIRES: padding < kernel, so that the window holds a pixel.
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

// y[n,c,i,j] = x[n,c,h*,v*], where (h*,v*) is the position of the window's maximum. A small change of any
// other number of the window changes nothing, so
//   dL/dx[n,c,h,v] = the sum of dy[n,c,i,j] over the windows (i,j) whose maximum is at (h,v):
// none, one or, where windows overlap, several. At a tie y has no derivative; the first maximum gets the
// whole gradient.
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
