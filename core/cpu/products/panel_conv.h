// Convolution as products of panels, with no patch ever written out (core/cpu/simd/panel_products.h): the
// left operand of each product is read from the image where it lies.
//
// K = C KH KW numbers in a patch, P = OH OW places. A panel's lanes are channels:
//
//   y[n](P,O) = patches[n](P,K) w(O,K)^T
//       left: pixels of x, a row a place; right: w, a lane an output
//   dw(K,O) = sum_n patches[n]^T dy[n](O,P)^T
//       left: pixels of x, a row a weight; right: dy, a lane an output
//   dx[n](pixels,C) = for each (p,q) of the kernel, at the pixels under it: += dy[n](O,P)^T w(O,C,p,q)
//       left: dy, a row a place; right: w, a lane a channel
//
// With few channels, such as an image's, dx's lanes are numbers of a patch, which row2im adds up.
// Right operands and results are turned by blocks in registers on their way into panels and back.
//
// Images of a padded convolution are first copied into a frame of zeros.
#pragma once

#include "core/base/tensor.h"
#include "core/cpu/products/im2row.h"
#include "core/cpu/simd/kernels.h"

namespace bellman::cpu {

/// The products of one layer's convolution, sample by sample. Callers own the memory, whose sizes the *_elements() state, each
/// a multiple of 16. Sums have one order for given sizes.
class PanelConv {
 public:
  /// REQUIRES: kernels outlive it.
  PanelConv(const Kernels& kernels, const ImageShape& image, Index outputs);

  // ---- forward
  /// w as forward reads it.
  Index weights_elements() const { return rounded(output_panels_ * image_.patch() * panel_); }
  void pack_weights(float* packed, const float* w) const;
  /// Scratch of forward.
  Index forward_elements() const { return frame_elements(1) + rounded(image_.places() * panel_); }
  /// y(O,P) of one sample, and rectified(O,P) = max(y, 0) unless null; both overwritten.
  void forward(float* y, float* rectified, const float* x, const float* packed, const float* b,
               float* work) const;

  // ---- backward: dx
  Index turned_weights_elements() const;
  /// w as input_gradient reads it.
  void turn_weights(float* turned, const float* w) const;
  Index input_gradient_elements() const;
  /// dx(C,H,W) of one sample, overwritten.
  void input_gradient(float* dx, const float* dy, const float* turned, float* work) const;

  // ---- backward: dw
  /// The sum over all samples, (panels of outputs, K, panel).
  Index weight_sums_elements() const { return weights_elements(); }
  Index weight_gradient_elements() const {
    return frame_elements(group_) + rounded(group_ * image_.places() * panel_);
  }
  /// Adds what `samples` samples of dy(O,P) and x(C,H,W), one after the other, give for `count` weights of
  /// each output from weight `first`.
  void add_weight_gradient(float* sums, Index first, Index count, const float* dy, const float* x,
                           Index samples, float* work) const;
  /// dw(O,K) accumulated.
  void write_weight_gradient(float* dw, const float* sums) const;

 private:
  static Index rounded(Index elements) { return (elements + 15) / 16 * 16; }
  Index kernel_area() const { return image_.window.kernel_h * image_.window.kernel_w; }
  /// Too few channels to fill a vector with: dx is then made from whole patches.
  bool few_channels() const { return image_.channels < panel_ / 2; }
  Index patch_panels() const { return (image_.patch() + panel_ - 1) / panel_; }
  void input_gradient_by_patches(float* dx, const float* dy, const float* turned, float* work) const;
  PanelProduct output_gradient_times(const float* dy, const float* right) const;
  bool padded() const { return image_.window.padding_h > 0 || image_.window.padding_w > 0; }
  Index frame_pixels() const { return frame_h_ * frame_w_; }
  Index frame_elements(Index samples) const {
    return padded() ? rounded(samples * image_.channels * frame_pixels()) : 0;
  }
  Index first_lane(Index panel) const { return panel * panel_; }
  Index lanes(Index panel, Index channels) const;
  Index whole_vectors(Index lanes) const;
  /// The samples within their frames of zeros, in `frame`; x itself where there is no padding.
  const float* framed(const float* x, Index samples, float* frame) const;

  const Kernels& kernels_;
  ImageShape image_;
  Index outputs_;
  Index panel_;  // lanes
  Index output_panels_, channel_panels_;
  Index frame_h_, frame_w_;  // of x with its padding
  Index group_;              // samples whose dy make one right operand
  Walk places_, weights_;    // of a patch's corner; of the weights' pixels within a patch
};

}  // namespace bellman::cpu
