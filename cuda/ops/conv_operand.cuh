// Images as operands and results of cuda/ops/gemm_tile.cuh: matrices that are nowhere in memory. An element is
// found by two indices, where a window stands (its place) and which number of it is meant (its tap), and
// address(place, tap) = offset of the place + offset of the tap. Whichever of the two a thread keeps from
// stage to stage is decoded once; the other costs two divisions (cuda/base/integers.h) for four loads.
#pragma once

#include <cstdint>

#include "cuda/base/integers.h"
#include "cuda/ops/conv_sizes.h"
#include "cuda/ops/matrix_operand.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// A pixel: of a place the top left one, of a tap the way from there. The offset is a number of elements,
/// modulo 2^32: only the sum of two that meet within the image need be right.
struct Pixel {
  std::uint32_t offset;
  int h, w;
};
/// So far outside that no tap leads back.
__device__ constexpr Pixel kNoPixel = {0, -(1 << 30), 0};

/// A number of the images at `data`, each (H,W); 0 outside.
__device__ __forceinline__ float number_at(const float* __restrict__ data, int H, int W, const Pixel& place,
                                           const Pixel& tap) {
  const bool inside = static_cast<unsigned>(place.h + tap.h) < static_cast<unsigned>(H) &&
                      static_cast<unsigned>(place.w + tap.w) < static_cast<unsigned>(W);
  return inside ? data[place.offset + tap.offset] : 0.0F;
}

struct FourPixels {
  Pixel at[4];
};

/// The 4 numbers where the kept pixels meet `other`.
__device__ __forceinline__ float4 numbers_at(const float* __restrict__ data, int H, int W,
                                             const FourPixels& kept, const Pixel& other) {
  return make_float4(number_at(data, H, W, kept.at[0], other), number_at(data, H, W, kept.at[1], other),
                     number_at(data, H, W, kept.at[2], other), number_at(data, H, W, kept.at[3], other));
}

/// The convolution's extents with what its indices are divided by.
struct ConvIndex {
  ConvSizes s;
  Divisor places, columns, taps, kernel_w;  // OH OW, OW, KH KW, KW

  explicit ConvIndex(const ConvSizes& sizes)
      : s(sizes), places(sizes.places()), columns(sizes.OW), taps(sizes.KH * sizes.KW), kernel_w(sizes.KW) {}

  /// place = (n OH + i) OW + j, in x.
  __device__ Pixel place(int place) const {
    const int n = places.quotient(place), rest = places.remainder(place, n);
    const int i = columns.quotient(rest), j = columns.remainder(rest, i);
    const int h = i * s.stride_h - s.padding_h, w = j * s.stride_w - s.padding_w;
    return {static_cast<std::uint32_t>(n * s.C * s.pixels() + h * s.W + w), h, w};
  }
  /// tap = (c KH + p) KW + q, in x.
  __device__ Pixel tap(int tap) const {
    const int c = taps.quotient(tap), rest = taps.remainder(tap, c);
    const int p = kernel_w.quotient(rest), q = kernel_w.remainder(rest, p);
    const std::uint32_t row = static_cast<std::uint32_t>(c * s.H + p);
    return {row * static_cast<std::uint32_t>(s.W) + static_cast<std::uint32_t>(q), p, q};
  }
};

/// element(place, tap) of x, rows are places: for RowQuads.
struct PlacesByTaps {
  const float* __restrict__ x;
  const ConvIndex& index;
  int rows, end;

  using Place = FourPixels;
  __device__ Place place(int row) const {
    Place four;
#pragma unroll
    for (int r = 0; r < 4; ++r) four.at[r] = row + r < rows ? index.place(row + r) : kNoPixel;
    return four;
  }
  __device__ float4 across_rows(const Place& four, int k) const {
    return numbers_at(x, index.s.H, index.s.W, four, k < end ? index.tap(k) : kNoPixel);
  }
};

/// The same, rows are taps.
struct TapsByPlaces {
  const float* __restrict__ x;
  const ConvIndex& index;
  int rows, end;

  using Place = FourPixels;
  __device__ Place place(int row) const {
    Place four;
#pragma unroll
    for (int r = 0; r < 4; ++r) four.at[r] = row + r < rows ? index.tap(row + r) : kNoPixel;
    return four;
  }
  __device__ float4 across_rows(const Place& four, int k) const {
    return numbers_at(x, index.s.H, index.s.W, four, k < end ? index.place(k) : kNoPixel);
  }
};

/// element(channel, place) of y or dy (B,O,OH,OW), rows are channels: for DepthQuads.
struct ChannelsByPlaces {
  const float* __restrict__ dy;
  const ConvIndex& index;
  int end;
  bool aligned;  // images start at 16 bytes

  using Place = int;  // the offset of the channel, -1 outside
  __device__ Place place(int row) const { return row < index.s.O ? row * index.s.places() : -1; }
  __device__ float4 along_depth(Place channel, int k) const {
    if (channel < 0 || k >= end) return make_float4(0.0F, 0.0F, 0.0F, 0.0F);
    const int n = index.places.quotient(k), at = index.places.remainder(k, n);
    const float* const from = dy + (n * index.s.O * index.s.places() + channel + at);
    // Four places may reach into the next samples, one sample's channels further on.
    const int places = index.s.places();
    if (places - at >= 4 || end - k <= places - at) return load_up_to_4(from, end - k, aligned);
    return make_float4(from[0], across(from, at, 1, k), across(from, at, 2, k), across(from, at, 3, k));
  }

 private:
  __device__ float across(const float* from, int at, int step, int k) const {
    if (k + step >= end) return 0.0F;
    const int further = index.places.quotient(at + step);
    return from[step + further * (index.s.O - 1) * index.s.places()];
  }
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
