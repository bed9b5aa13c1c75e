// The extents of one convolution, as its kernels want them, and which kernels it gets.
#pragma once

#include <algorithm>

#include "core/ops/backend.h"
#include "cuda/base/integers.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// x(B,C,H,W), w(O,C,KH,KW), y(B,O,OH,OW), and how the window moves.
struct ConvSizes {
  int B, C, H, W, O, KH, KW, OH, OW;
  int stride_h, stride_w, padding_h, padding_w;

  __host__ __device__ int taps() const { return C * KH * KW; }  // products in an output
  __host__ __device__ int places() const { return OH * OW; }    // outputs of a sample and channel
  __host__ __device__ int pixels() const { return H * W; }
};

/// Throws: Error as `op` when something of it is too large to be counted with 32 bits.
inline ConvSizes conv_sizes(const char* op, const Shape& x, const Shape& w, const Window& window) {
  // A window's place, padding included, is below this; sums of two such places fit an int.
  constexpr Index kLargestExtent = Index{1} << 29;
  const Index padded_h = x[2] + 2 * window.padding_h, padded_w = x[3] + 2 * window.padding_w;
  if (padded_h > kLargestExtent || padded_w > kLargestExtent)
    fail(op, ": x ", x, " with padding ", window.padding_h, "x", window.padding_w,
         " is larger than this kernel can count: an image may be ", kLargestExtent, " high or wide at most");
  const Index OH = window.output_h(x[2]), OW = window.output_w(x[3]);
  checked_int(op, "the number of elements of x", x.elements());
  checked_int(op, "the number of elements of w", w.elements());
  checked_int(op, "the number of outputs of a sample and channel", OH * OW);
  checked_int(op, "the number of elements of y", x[0] * w[0] * OH * OW);
  const auto number = [](Index n) { return static_cast<int>(n); };
  return {number(x[0]), number(x[1]), number(x[2]), number(x[3]), number(w[0]), number(w[2]), number(w[3]),
          number(OH), number(OW),
          // A stride beyond the image takes no second step.
          number(std::min(window.stride_h, kLargestExtent)),
          number(std::min(window.stride_w, kLargestExtent)), number(window.padding_h),
          number(window.padding_w)};
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
