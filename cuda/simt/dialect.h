// CUDA's words for the host's compiler: what cuda/base/dialect.h includes when it is not nvcc that compiles.
//
// Not offered, so that a kernel which uses them does not compile here: __shared__ (BELLMAN_SHARED says the
// same, and the executor then knows where the array ends), __activemask, float atomics, tensor-core and
// asynchronous-copy instructions, cooperative groups.
#pragma once

#include "cuda/simt/executor.h"
#include "cuda/simt/intrinsics.h"
#include "cuda/simt/vector_types.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)

// The address of a variable of its own tells one declaration from another.
#define BELLMAN_SHARED(type, name, dimensions)                                                           \
  static const char bellman_declaration_of_##name = 0;                                                   \
  type(&name) dimensions =                                                                               \
      *static_cast<type(*) dimensions>(::bellman::simt::detail::Executor::of_this_thread().shared_array( \
          &bellman_declaration_of_##name, sizeof(type dimensions), alignof(type)))
#define BELLMAN_DYNAMIC_SHARED(type, name) \
  type* const name =                       \
      static_cast<type*>(::bellman::simt::detail::Executor::of_this_thread().dynamic_shared_array())
