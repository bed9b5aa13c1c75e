// One function for every element of arrays of one length: what activations, optimisers and the like are made
// of.
//
// Such kernels wait for memory and do nothing else that matters. So a thread takes four neighbours at a time,
// 16 bytes of each array with one instruction, where all arrays begin at a multiple of 16 bytes; what is left
// over at the end, and arrays that begin elsewhere, go one by one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/tensor.h"
#include "cuda/base/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

// How an array takes part: f gets a `const float&` of what is read, a `float&` of what is written or updated.
struct Read {
  const float* data;
};
struct Write {
  float* data;  // f gets no meaningful number
};
struct Update {
  float* data;
};
/// Optional, and not given: f gets a 0, and what it makes of it is forgotten.
struct Absent {};

/// Four numbers of an array, or one, while f has them.
template <class Number, class Array>
struct Held;

template <class Number>
struct Held<Number, Read> {
  __device__ Held(Read array, Index i) : value(reinterpret_cast<const Number*>(array.data)[i]) {}
  __device__ void store() const {}
  Number value;
};
template <class Number>
struct Held<Number, Write> {
  __device__ Held(Write array, Index i) : place(reinterpret_cast<Number*>(array.data) + i), value() {}
  __device__ void store() const { *place = value; }
  Number* place;
  Number value;
};
template <class Number>
struct Held<Number, Update> {
  __device__ Held(Update array, Index i) : place(reinterpret_cast<Number*>(array.data) + i), value(*place) {}
  __device__ void store() const { *place = value; }
  Number* place;
  Number value;
};
template <class Number>
struct Held<Number, Absent> {
  __device__ Held(Absent, Index) : value() {}
  __device__ void store() const {}
  Number value;
};

template <class F, class... Arrays>
__device__ __forceinline__ void apply_to_held(const F& f, Held<float4, Arrays>... held) {
  f(held.value.x...);
  f(held.value.y...);
  f(held.value.z...);
  f(held.value.w...);
  (held.store(), ...);
}
template <class F, class... Arrays>
__device__ __forceinline__ void apply_to_held(const F& f, Held<float, Arrays>... held) {
  f(held.value...);
  (held.store(), ...);
}

/// f(element i of each array) for 0 <= i < n, by all threads of the grid. REQUIRES: with `by_fours`, that
/// every array begins at a multiple of 16 bytes.
template <class F, class... Arrays>
__device__ __forceinline__ void for_each_element(Index n, bool by_fours, const F& f, Arrays... arrays) {
  const Index threads = static_cast<Index>(gridDim.x) * blockDim.x;
  const Index thread = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
  const Index fours = by_fours ? n / 4 : 0;
  for (Index i = thread; i < fours; i += threads)
    apply_to_held<F, Arrays...>(f, Held<float4, Arrays>(arrays, i)...);
  for (Index i = 4 * fours + thread; i < n; i += threads)
    apply_to_held<F, Arrays...>(f, Held<float, Arrays>(arrays, i)...);
}

inline bool begins_at_16_bytes(const void* data) { return reinterpret_cast<std::uintptr_t>(data) % 16 == 0; }
inline bool begins_at_16_bytes(Absent) { return true; }
inline bool begins_at_16_bytes(Read array) { return begins_at_16_bytes(array.data); }
inline bool begins_at_16_bytes(Write array) { return begins_at_16_bytes(array.data); }
inline bool begins_at_16_bytes(Update array) { return begins_at_16_bytes(array.data); }

inline constexpr unsigned kElementwiseThreads = 256;  // of a block, at most

/// The grid for for_each_element: a thread for four elements, so that every load is under way at once; beyond
/// 2^32 elements threads take more. `elements_of_a_thread`: 4, or 1 where arrays go one by one.
struct ElementwiseGrid {
  ElementwiseGrid(Index n, bool by_fours) {
    constexpr Index kLanes = 32, kMostBlocks = Index{1} << 22;
    const Index threads = by_fours ? (n + 3) / 4 : n;
    const Index in_block = std::min((threads + kLanes - 1) / kLanes * kLanes, Index{kElementwiseThreads});
    block = dim3(static_cast<unsigned>(in_block));
    grid = dim3(static_cast<unsigned>(std::min((threads + in_block - 1) / in_block, kMostBlocks)));
  }
  dim3 grid, block;
};

template <class F, class... Arrays>
__global__ void __launch_bounds__(kElementwiseThreads)
    elementwise_kernel(Index n, bool by_fours, F f, Arrays... arrays) {
  for_each_element(n, by_fours, f, arrays...);
}

/// f(element i of each array) for 0 <= i < n; f is an object, which travels to the device with its members.
template <class F, class... Arrays>
void for_each_element(Stream& stream, Index n, const F& f, Arrays... arrays) {
  if (n == 0) return;
  const bool by_fours = (begins_at_16_bytes(arrays) && ...);
  const ElementwiseGrid size(n, by_fours);
  launch(stream, elementwise_kernel<F, Arrays...>, size.grid, size.block, 0, n, by_fours, f, arrays...);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
