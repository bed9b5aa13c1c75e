// Convolution as a product of matrices: the patches of an image, written out side by side (Chellapilla, Puri
// & Simard 2006).
#pragma once

#include "core/backend.h"
#include "core/tensor.h"

namespace bellman::cpu {

/// One image of a convolution.
struct ImageShape {
  Index channels, h, w;  // of x
  Index output_h, output_w;
  Window window;

  /// Numbers that a patch consists of: C KH KW.
  Index patch() const { return channels * window.kernel_h * window.kernel_w; }
  /// Patches: OH OW.
  Index places() const { return output_h * output_w; }
};

/// Rows begin .. end of columns(C KH KW, OH OW)[(c,p,q), (i,j)] = x(C,H,W)[c, i stride_h + p - padding_h,
/// j stride_w + q - padding_w], zero outside the image. Row `begin` is written first.
void im2col(float* columns, const float* x, const ImageShape& shape, Index begin, Index end);

/// The adjoint of im2col: dx(C,H,W), overwritten, gets each number of columns(C KH KW, OH OW) added where
/// im2col would have read it.
void col2im(float* dx, const float* columns, const ImageShape& shape);

}  // namespace bellman::cpu
