// The gradient of a convolution with respect to its input, without products that are always zero. A pixel
// (h,v) gets a gradient through the tap (p,q) only from a window at that distance: h + padding - p must be a
// multiple of the stride. So with stride 4 only every sixteenth pair of pixel and tap counts. But pixels h, h
// + stride, h + 2 stride, ... use the same taps, r, r + stride, ... with r = (h + padding) mod stride. Such a
// family of pixels, a phase, is a convolution of stride 1: its pixel u and its tap a belong to window u0 + u
// - a.
//   dx[n,c,h,v] = sum_{o,a,b} dy[n,o, u0 + u - a, t0 + t - b] w[o,c, r_h + a stride_h, r_w + b stride_w]
#pragma once

#include "cuda/ops/conv_operand.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// One axis of a phase.
struct PhaseAxis {
  int first_pixel, pixels;  // pixel first_pixel + m stride, m below pixels
  int first_tap, taps;      // tap first_tap + a stride, a below taps
  int window;               // of tap 0 and pixel 0

  /// The phase of pixel `phase`, along an image axis of `extent` pixels.
  __device__ PhaseAxis(int phase, int extent, int kernel, int stride, int padding)
      : first_pixel(phase),
        pixels((extent - 1 - phase) / stride + 1),
        first_tap((phase + padding) % stride),
        taps(first_tap < kernel ? (kernel - first_tap - 1) / stride + 1 : 0),
        window((phase + padding) / stride) {}
};

struct Phase {
  const ConvSizes& s;
  PhaseAxis h, w;
  Divisor pixels, columns, taps, taps_w;

  __device__ Phase(const ConvSizes& sizes, int phase_h, int phase_w)
      : s(sizes),
        h(phase_h, s.H, s.KH, s.stride_h, s.padding_h),
        w(phase_w, s.W, s.KW, s.stride_w, s.padding_w),
        pixels(h.pixels * w.pixels),
        columns(w.pixels),
        taps(max(h.taps * w.taps, 1)),
        taps_w(max(w.taps, 1)) {}

  __device__ int images() const { return s.B * h.pixels * w.pixels; }  // columns of the product
  __device__ int depth() const { return s.O * h.taps * w.taps; }
};

/// element(c, k) = w[o,c,p,q], k = (o, a, b): for RowQuads.
struct PhaseWeights {
  const float* __restrict__ w;
  const Phase& phase;

  using Place = int;
  __device__ Place place(int row) const { return row; }
  __device__ float4 across_rows(Place row, int k) const {
    if (k >= phase.depth()) return make_float4(0.0F, 0.0F, 0.0F, 0.0F);
    const ConvSizes& s = phase.s;
    const int o = phase.taps.quotient(k), rest = phase.taps.remainder(k, o);
    const int a = phase.taps_w.quotient(rest), b = phase.taps_w.remainder(rest, a);
    const int p = phase.h.first_tap + a * s.stride_h, q = phase.w.first_tap + b * s.stride_w;
    const int step = s.KH * s.KW, room = s.C - row;
    const float* const from = w + ((o * s.C + row) * step + p * s.KW + q);
    return make_float4(room > 0 ? from[0] : 0.0F, room > 1 ? from[step] : 0.0F,
                       room > 2 ? from[2 * step] : 0.0F, room > 3 ? from[3 * step] : 0.0F);
  }
};

/// element(pixel, k) = dy[n,o,i,j], pixel = (n, u, t), k = (o, a, b): for RowQuads.
struct PhaseGradients {
  const float* __restrict__ dy;
  const Phase& phase;

  using Place = FourPixels;
  __device__ Place place(int row) const {
    Place four;
#pragma unroll
    for (int r = 0; r < 4; ++r) four.at[r] = row + r < phase.images() ? window(row + r) : kNoPixel;
    return four;
  }
  __device__ float4 across_rows(const Place& four, int k) const {
    return numbers_at(dy, phase.s.OH, phase.s.OW, four, k < phase.depth() ? tap(k) : kNoPixel);
  }

 private:
  __device__ Pixel window(int pixel) const {
    const int n = phase.pixels.quotient(pixel), rest = phase.pixels.remainder(pixel, n);
    const int u = phase.columns.quotient(rest), t = phase.columns.remainder(rest, u);
    const int i = phase.h.window + u, j = phase.w.window + t;
    return {static_cast<std::uint32_t>(n * phase.s.O * phase.s.places() + i * phase.s.OW + j), i, j};
  }
  __device__ Pixel tap(int k) const {
    const int o = phase.taps.quotient(k), rest = phase.taps.remainder(k, o);
    const int a = phase.taps_w.quotient(rest), b = phase.taps_w.remainder(rest, a);
    return {static_cast<std::uint32_t>(o * phase.s.places() - a * phase.s.OW - b), -a, -b};
  }
};

/// dx[n,c,h,v] = product(c, pixel).
struct WritePhase {
  float* dx;
  const Phase& phase;

  __device__ void operator()(int row, int column, float4 product) const {
    if (row >= phase.s.C) return;
    const float numbers[4] = {product.x, product.y, product.z, product.w};
#pragma unroll
    for (int r = 0; r < 4; ++r)
      if (column + r < phase.images()) dx[offset(row, column + r)] = numbers[r];
  }

 private:
  __device__ int offset(int channel, int pixel) const {
    const ConvSizes& s = phase.s;
    const int n = phase.pixels.quotient(pixel), rest = phase.pixels.remainder(pixel, n);
    const int u = phase.columns.quotient(rest), t = phase.columns.remainder(rest, u);
    const int h = phase.h.first_pixel + u * s.stride_h, v = phase.w.first_pixel + t * s.stride_w;
    return ((n * s.C + channel) * s.H + h) * s.W + v;
  }
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
