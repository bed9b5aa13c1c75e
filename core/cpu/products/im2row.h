// Convolution as a product of matrices: the patch that each output looks at, written out as a row
// (Chellapilla, Puri & Simard 2006).
//
// A patch of x(C,H,W) consists of C KH runs of KW neighbouring pixels, one for each channel c and kernel row
// p. So rows are cheaper to write than columns, in which neighbours are `stride` pixels apart.
#pragma once

#include "core/base/tensor.h"
#include "core/ops/backend.h"

namespace bellman::cpu {

/// One image of a convolution.
struct ImageShape {
  Index channels, h, w;  // of x
  Index output_h, output_w;
  Window window;

  /// Runs that a patch consists of: C KH.
  Index runs() const { return channels * window.kernel_h; }
  /// Numbers that a patch consists of: C KH KW.
  Index patch() const { return runs() * window.kernel_w; }
  /// Patches: OH OW.
  Index places() const { return output_h * output_w; }
};

/// For x(B,C,H,W).
inline ImageShape image_shape(const Shape& x, const Window& window) {
  return {x[1], x[2], x[3], window.output_h(x[2]), window.output_w(x[3]), window};
}

/// The runs begin .. end of all patches: rows(OH OW, (end - begin) KW)[(i,j), (c,p,q)] = x(C,H,W)[c, i
/// stride_h + p - padding_h, j stride_w + q - padding_w], zero outside the image.
void im2row(float* rows, const float* x, const ImageShape& shape, Index begin, Index end);

/// The adjoint of im2row: dx(C,H,W), overwritten, gets each number of rows(OH OW, C KH KW) added where im2row
/// would have read it.
void row2im(float* dx, const float* rows, const ImageShape& shape);

}  // namespace bellman::cpu
