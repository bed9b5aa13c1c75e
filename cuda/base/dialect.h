// The language of kernel sources. A .cu file is compiled twice, from the same text:
//   - by nvcc for the device, where everything below is CUDA itself;
//   - by the host's C++ compiler for the SIMT executor (cuda/simt/), which runs the kernels on the CPU,
//     thread by thread, so that tests, sanitizers and debuggers see every line of them without a GPU.
//
// The rules that make one text serve both:
//   - everything is in `namespace bellman::BELLMAN_CUDA_NAMESPACE { ... }`, so that a program can contain both;
//   - shared memory is declared with BELLMAN_SHARED(float, tile, [32][33]); or, sized by the launch,
//     BELLMAN_DYNAMIC_SHARED(float, tile);
//   - a kernel is started by launch(stream, kernel, grid, block, shared_bytes, arguments...) (cuda/base/runtime.h);
//   - a large argument that functions of the kernel refer to is BELLMAN_GRID_CONSTANT, so that it is
//     not copied;
//   - of CUDA: threadIdx, blockIdx, blockDim, gridDim, __syncthreads, __syncwarp, the __shfl_*_sync,
//     __ballot_sync, __any_sync, __all_sync, integer atomics, float2, float4, int2, int4, uint4, double2,
//     __ldg, min and max. No float atomics anywhere: their order, and so the result's last bits, would
//     change from run to run.
#pragma once

#if defined(__CUDACC__) || defined(BELLMAN_CUDA_RUNTIME)  // the latter: a test of cuda/device/, without nvcc

#include <cuda_runtime.h>

#define BELLMAN_CUDA_DIALECT
#define BELLMAN_CUDA_NAMESPACE cuda
#define BELLMAN_GRID_CONSTANT __grid_constant__
#define BELLMAN_SHARED(type, name, dimensions) __shared__ type name dimensions
#define BELLMAN_DYNAMIC_SHARED(type, name)                                       \
  extern __shared__ __align__(16) unsigned char bellman_dynamic_shared_memory[]; \
  type* const name = reinterpret_cast<type*>(bellman_dynamic_shared_memory)

#else

#define BELLMAN_CUDA_NAMESPACE simt
#define BELLMAN_GRID_CONSTANT
#include "cuda/simt/dialect.h"  // the same names on the host

#endif
