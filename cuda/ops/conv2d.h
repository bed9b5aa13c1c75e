// The extents of one convolution for its kernels, and the two implementations that share them.
#pragma once

#include <algorithm>

#include "core/ops/backend.h"
#include "cuda/base/integers.h"
#include "cuda/base/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// x(B,C,H,W), w(O,C,KH,KW), y(B,O,OH,OW), and how the window moves.
struct ConvSizes {
  int B, C, H, W, O, KH, KW, OH, OW;
  int stride_h, stride_w, padding_h, padding_w;

  __host__ __device__ int taps() const { return C * KH * KW; }  // products in an output
  __host__ __device__ int places() const { return OH * OW; }    // outputs of a sample and channel
  __host__ __device__ int pixels() const { return H * W; }
};

/// Throws: Error as `op` when a count exceeds 32 bits.
inline ConvSizes conv_sizes(const char* op, const Shape& x, const Shape& w, const Window& window) {
  // Coordinates, padding included, are below this; the sum of two fits an int.
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

/// The windows that contain a pixel, along one axis: i stride <= pixel + padding < i stride + kernel.
struct WindowRange {
  int first, last;
};
__device__ inline WindowRange windows_of(int pixel, int padding, int kernel, int stride, int windows) {
  const int from = pixel + padding - kernel;
  return {from < 0 ? 0 : from / stride + 1, min((pixel + padding) / stride, windows - 1)};
}

// The convolution as implicit products of matrices (cuda/ops/conv2d_implicit_gemm.cu), for all but small
// ones.

/// Floats of scratch that the backward pass needs; at least as many for a larger batch.
Index implicit_gemm_scratch(const ConvSizes& s);
void implicit_gemm_forward(Stream& stream, Tensor y, ConstTensor x, ConstTensor w, ConstTensor b,
                           const ConvSizes& s);
void implicit_gemm_backward(Stream& stream, Tensor dx, Tensor dw, Tensor db, ConstTensor dy, ConstTensor x,
                            ConstTensor w, const ConvSizes& s, Tensor scratch);

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
