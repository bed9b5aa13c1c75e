// CUDA's words and functions for the host's compiler: what cuda/base/dialect.h includes where nvcc does not
// compile.
//
// A kernel that uses one of these does not compile here: __shared__ (BELLMAN_SHARED declares the same, and
// tells the executor where the array ends), __activemask, float atomics, tensor-core and asynchronous-copy
// instructions, cooperative groups.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <math.h>  // not <cmath>: kernels say sqrtf, isfinite and exp without std::, as nvcc lets them

#include "cuda/simt/executor.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)

// The address of a static variable identifies the declaration.
#define BELLMAN_SHARED(type, name, dimensions)                                                           \
  static const char bellman_declaration_of_##name = 0;                                                   \
  type(&name) dimensions =                                                                               \
      *static_cast<type(*) dimensions>(::bellman::simt::detail::Executor::of_this_thread().shared_array( \
          &bellman_declaration_of_##name, sizeof(type dimensions), alignof(type)))
#define BELLMAN_DYNAMIC_SHARED(type, name) \
  type* const name =                       \
      static_cast<type*>(::bellman::simt::detail::Executor::of_this_thread().dynamic_shared_array())

namespace bellman::simt {

// ---- small vectors. may_alias, because a kernel reads four floats as one float4 through a pointer, which CUDA
// allows and C++ would not.

struct __attribute__((may_alias, aligned(8))) float2 {
  float x, y;
};
struct __attribute__((may_alias, aligned(16))) float4 {
  float x, y, z, w;
};
struct __attribute__((may_alias, aligned(8))) int2 {
  int x, y;
};
struct __attribute__((may_alias, aligned(16))) int4 {
  int x, y, z, w;
};
struct __attribute__((may_alias, aligned(16))) uint4 {
  unsigned x, y, z, w;
};
struct __attribute__((may_alias, aligned(16))) double2 {
  double x, y;
};

constexpr float2 make_float2(float x, float y) { return {x, y}; }
constexpr float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
constexpr int2 make_int2(int x, int y) { return {x, y}; }
constexpr int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
constexpr uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
constexpr double2 make_double2(double x, double y) { return {x, y}; }

// ---- functions for threads, warps and blocks. Each takes its call's source line as a last parameter, which a
// kernel never passes.
//
// As in CUDA, a warp's functions wait for the lanes of the mask that have not returned. What is read from a
// lane that passed no value is undefined in CUDA and all ones here (NaN, -1). Only __syncwarp orders memory:
// a shuffle moves a word between lanes and is no fence for what else they wrote.

inline constexpr int warpSize = 32;

namespace detail {

template <class T>
concept Word = std::is_trivially_copyable_v<T> &&(sizeof(T) == 4 || sizeof(T) == 8);

template <Word T>
T shuffle(WarpCall call, unsigned mask, T value, int source, const Place& place) {
  std::uint64_t word = 0;
  std::memcpy(&word, &value, sizeof value);
  word = Executor::of_this_thread().shuffle(call, mask, word, static_cast<unsigned>(source), place);
  std::memcpy(&value, &word, sizeof value);
  return value;
}

inline int lane() { return static_cast<int>(Executor::of_this_thread().lane()); }

// Without a __threadfence an atomic operation orders no other access.
template <class T, class Operation>
T atomically(T* address, Operation operation) {
  static_assert(std::is_integral_v<T>, "integers only: the order of a float sum would change its last bits");
  std::atomic_ref<T> shared(*address);
  if (Executor::of_this_thread().fenced()) return operation(shared, std::memory_order_acq_rel);
  return operation(shared, std::memory_order_relaxed);
}

}  // namespace detail

// ---- the block and the warp

inline void __syncthreads(detail::Place place = detail::Place::here()) {
  detail::Executor::of_this_thread().wait_at_barrier(place);
}
inline void __syncwarp(unsigned mask = 0xFFFFFFFF, detail::Place place = detail::Place::here()) {
  detail::Executor::of_this_thread().synchronise_warp(mask, place);
}

/// The warp is divided into groups of `width` lanes, 32 or a smaller power of two. A lane that would read
/// from beyond its group gets its own value.
template <detail::Word T>
T __shfl_sync(unsigned mask, T value, int source, int width = warpSize,
              detail::Place place = detail::Place::here()) {
  const int lane = detail::lane(), base = lane & ~(width - 1);
  return detail::shuffle(detail::WarpCall::kShuffle, mask, value, base | (source & (width - 1)), place);
}
template <detail::Word T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize,
                 detail::Place place = detail::Place::here()) {
  const int lane = detail::lane(), base = lane & ~(width - 1), source = lane - static_cast<int>(delta);
  return detail::shuffle(detail::WarpCall::kShuffleUp, mask, value, source < base ? lane : source, place);
}
template <detail::Word T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize,
                   detail::Place place = detail::Place::here()) {
  const int lane = detail::lane(), last = lane | (width - 1), source = lane + static_cast<int>(delta);
  return detail::shuffle(detail::WarpCall::kShuffleDown, mask, value, source > last ? lane : source, place);
}
template <detail::Word T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = warpSize,
                  detail::Place place = detail::Place::here()) {
  const int lane = detail::lane(), last = lane | (width - 1), source = lane ^ lane_mask;
  return detail::shuffle(detail::WarpCall::kShuffleXor, mask, value, source > last ? lane : source, place);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, detail::Place place = detail::Place::here()) {
  return detail::Executor::of_this_thread().ballot(mask, predicate != 0, place);
}
inline int __any_sync(unsigned mask, int predicate, detail::Place place = detail::Place::here()) {
  return __ballot_sync(mask, predicate, place) != 0;
}
inline int __all_sync(unsigned mask, int predicate, detail::Place place = detail::Place::here()) {
  return __ballot_sync(mask, predicate == 0, place) == 0;
}

// ---- atomics on integers, which return the value before

template <class T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return detail::atomically(address, [=](auto shared, auto order) { return shared.fetch_add(value, order); });
}
template <class T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  return detail::atomically(address, [=](auto shared, auto order) { return shared.exchange(value, order); });
}
template <class T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return detail::atomically(address, [=](auto shared, auto order) {
    T before = expected;
    shared.compare_exchange_strong(before, value, order, std::memory_order_relaxed);
    return before;
  });
}
template <class T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  return detail::atomically(address, [=](auto shared, auto order) {
    T before = shared.load(std::memory_order_relaxed);
    while (!shared.compare_exchange_weak(before, before < value ? value : before, order,
                                         std::memory_order_relaxed)) {
    }
    return before;
  });
}

/// From its first fence on, a thread's atomic operations order memory: a thread that observes one of them
/// sees all earlier writes.
inline void __threadfence() { detail::Executor::of_this_thread().fence(); }

// ---- single threads

template <class T>
T __ldg(const T* address) {
  return *address;
}

/// The result has the common type of both. Of a NaN and a number it is the number.
template <class A, class B>
constexpr std::common_type_t<A, B> min(A a, B b) {
  using T = std::common_type_t<A, B>;
  if constexpr (std::is_floating_point_v<T>) return fmin(static_cast<T>(a), static_cast<T>(b));
  return static_cast<T>(b) < static_cast<T>(a) ? static_cast<T>(b) : static_cast<T>(a);
}
template <class A, class B>
constexpr std::common_type_t<A, B> max(A a, B b) {
  using T = std::common_type_t<A, B>;
  if constexpr (std::is_floating_point_v<T>) return fmax(static_cast<T>(a), static_cast<T>(b));
  return static_cast<T>(a) < static_cast<T>(b) ? static_cast<T>(b) : static_cast<T>(a);
}

inline float rsqrtf(float x) { return 1.0F / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
constexpr int __popc(unsigned x) { return std::popcount(x); }
/// The position of the lowest bit that is set, from 1; 0 when none is.
constexpr int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1; }
constexpr int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
constexpr int __float_as_int(float x) { return std::bit_cast<int>(x); }
constexpr unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
constexpr float __int_as_float(int x) { return std::bit_cast<float>(x); }
constexpr float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
constexpr long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
constexpr double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }

}  // namespace bellman::simt
