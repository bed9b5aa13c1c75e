// One function for every element of arrays of one length, as in activations and optimisers.
//
// Memory alone bounds such kernels. So a thread moves four neighbours at a time, 16 bytes of each array with
// one instruction, where all arrays begin at a multiple of 16 bytes. The rest at the end, and arrays that
// begin elsewhere, go one by one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/tensor.h"
#include "cuda/base/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

// How f uses an array: it gets a `const float&` to read, a `float&` to write or update.
struct Read {
  const float* data;
};
struct Write {
  float* data;  // f gets an undefined number
};
struct Update {
  float* data;
};
/// An optional array that is absent: f gets a 0, and its result is dropped.
struct Absent {};

/// Four numbers of an array, or one, in registers.
template <class Number, class Array>
struct Loaded;

template <class Number>
struct Loaded<Number, Read> {
  __device__ Loaded(Read array, Index i) : value(reinterpret_cast<const Number*>(array.data)[i]) {}
  __device__ void store() const {}
  Number value;
};
template <class Number>
struct Loaded<Number, Write> {
  __device__ Loaded(Write array, Index i) : place(reinterpret_cast<Number*>(array.data) + i), value() {}
  __device__ void store() const { *place = value; }
  Number* place;
  Number value;
};
template <class Number>
struct Loaded<Number, Update> {
  __device__ Loaded(Update array, Index i)
      : place(reinterpret_cast<Number*>(array.data) + i), value(*place) {}
  __device__ void store() const { *place = value; }
  Number* place;
  Number value;
};
template <class Number>
struct Loaded<Number, Absent> {
  __device__ Loaded(Absent, Index) : value() {}
  __device__ void store() const {}
  Number value;
};

template <class F, class... Arrays>
__device__ __forceinline__ void apply_to_loaded(const F& f, Loaded<float4, Arrays>... loaded) {
  f(loaded.value.x...);
  f(loaded.value.y...);
  f(loaded.value.z...);
  f(loaded.value.w...);
  (loaded.store(), ...);
}
template <class F, class... Arrays>
__device__ __forceinline__ void apply_to_loaded(const F& f, Loaded<float, Arrays>... loaded) {
  f(loaded.value...);
  (loaded.store(), ...);
}

/// f(element i of each array) for 0 <= i < n, by all threads of the grid. REQUIRES: with `by_fours`, that
/// every array begins at a multiple of 16 bytes.
template <class F, class... Arrays>
__device__ __forceinline__ void for_each_element(Index n, bool by_fours, const F& f, Arrays... arrays) {
  const Index threads = static_cast<Index>(gridDim.x) * blockDim.x;
  const Index thread = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
  const Index fours = by_fours ? n / 4 : 0;
  for (Index i = thread; i < fours; i += threads)
    apply_to_loaded<F, Arrays...>(f, Loaded<float4, Arrays>(arrays, i)...);
  for (Index i = 4 * fours + thread; i < n; i += threads)
    apply_to_loaded<F, Arrays...>(f, Loaded<float, Arrays>(arrays, i)...);
}

inline bool begins_at_16_bytes(const void* data) { return reinterpret_cast<std::uintptr_t>(data) % 16 == 0; }
inline bool begins_at_16_bytes(Absent) { return true; }
inline bool begins_at_16_bytes(Read array) { return begins_at_16_bytes(array.data); }
inline bool begins_at_16_bytes(Write array) { return begins_at_16_bytes(array.data); }
inline bool begins_at_16_bytes(Update array) { return begins_at_16_bytes(array.data); }

inline constexpr unsigned kElementwiseThreads = 256;  // of a block, at most

/// The grid for for_each_element: a thread for four elements (one where arrays go one by one), so that all
/// loads are in flight at once. Beyond 2^32 elements threads take more.
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

/// f(element i of each array) for 0 <= i < n; f is an object, copied to the device with its members.
template <class F, class... Arrays>
void for_each_element(Stream& stream, Index n, const F& f, Arrays... arrays) {
  if (n == 0) return;
  const bool by_fours = (begins_at_16_bytes(arrays) && ...);
  const ElementwiseGrid size(n, by_fours);
  launch(stream, elementwise_kernel<F, Arrays...>, size.grid, size.block, 0, n, by_fours, f, arrays...);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
