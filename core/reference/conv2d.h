// The convolutional layer: one small kernel slides over the image, and the same weights are used at each
// place.
#pragma once

#include "core/ops/backend.h"
#include "core/reference/arena_ops.h"
#include "core/reference/tensor_access.h"

namespace bellman::reference {

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
// the image. Each product passes dy[n,o,i,j] on to both of its factors, multiplied by the other one:
//   dL/dw[o,c,p,q] = sum_{n,i,j} dy[n,o,i,j] x[n,c,h,v]      a weight is used at every place (i,j)
//   dL/dx[n,c,h,v] = sum_{o,i,j,p,q} dy[n,o,i,j] w[o,c,p,q]  over all windows that cover the pixel (h,v)
//   dL/db[o]       = sum_{n,i,j} dy[n,o,i,j]
// So the loops are those of the forward pass, and the sums grow as the products come by.
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

}  // namespace bellman::reference
