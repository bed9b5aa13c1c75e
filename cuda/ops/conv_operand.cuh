// Images as operands and results of cuda/ops/gemm_tile.cuh: matrices that are never stored. An element has
// two indices, the position of a window (its place) and a number within the window (its tap), and
// address(place, tap) = offset of the place + offset of the tap. A thread decodes once the one that it keeps
// from stage to stage; the other costs two divisions (cuda/base/integers.h) for four loads.
#pragma once

#include <cstdint>

#include "cuda/base/integers.h"
#include "cuda/ops/conv2d.h"
#include "cuda/ops/matrix_operand.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// The top left pixel of a place; or a tap, relative to that. The offset counts elements, modulo 2^32: only
/// the sum for a pixel within the image need be right.
struct Pixel {
  std::uint32_t offset;
  int h, w;
};
/// So far outside that no tap reaches the image.
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

/// The 4 numbers for the kept pixels and `other`.
__device__ __forceinline__ float4 numbers_at(const float* __restrict__ data, int H, int W,
                                             const FourPixels& kept, const Pixel& other) {
  return make_float4(number_at(data, H, W, kept.at[0], other), number_at(data, H, W, kept.at[1], other),
                     number_at(data, H, W, kept.at[2], other), number_at(data, H, W, kept.at[3], other));
}

/// The convolution's extents, and the divisors of its indices.
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

/// element(place, tap) of x, for RowQuads; rows are places, or taps.
template <bool rows_are_places>
struct Windows {
  const float* __restrict__ x;
  const ConvIndex& index;
  int rows, end;

  using Place = FourPixels;
  __device__ Place place(int row) const {
    Place four;
#pragma unroll
    for (int r = 0; r < 4; ++r)
      four.at[r] = row + r >= rows ? kNoPixel : rows_are_places ? index.place(row + r) : index.tap(row + r);
    return four;
  }
  __device__ float4 across_rows(const Place& four, int k) const {
    const Pixel other = k >= end ? kNoPixel : rows_are_places ? index.tap(k) : index.place(k);
    return numbers_at(x, index.s.H, index.s.W, four, other);
  }
};
using PlacesByTaps = Windows<true>;
using TapsByPlaces = Windows<false>;

/// element(channel, place) of y or dy (B,O,OH,OW), rows are channels: for DepthQuads.
struct ChannelsByPlaces {
  const float* __restrict__ dy;
  const ConvIndex& index;
  int end;
  bool aligned;  // images start at multiples of 16 bytes

  using Place = int;  // the offset of the channel, -1 outside
  __device__ Place place(int row) const { return row < index.s.O ? row * index.s.places() : -1; }
  __device__ float4 along_depth(Place channel, int k) const {
    if (channel < 0 || k >= end) return make_float4(0.0F, 0.0F, 0.0F, 0.0F);
    const int n = index.places.quotient(k), at = index.places.remainder(k, n);
    const float* const from = dy + (n * index.s.O * index.s.places() + channel + at);
    // Four places may extend into the next samples, a whole sample further on each.
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
