// One launch of a kernel, as the executor runs it.
#pragma once

#include <cstddef>
#include <functional>

#include "cuda/simt/place.h"
#include "cuda/simt/vector_types.h"

namespace bellman::simt::detail {

struct KernelLaunch {
  const void* kernel = nullptr;  // its address, which tells kernels apart
  dim3 grid, block;
  std::size_t shared_bytes = 0;  // dynamic
  std::function<void()> thread;  // the kernel with its arguments, for the thread that runs
  Place site;
};

/// Throws: Error, naming the place and the values, for a launch that no device accepts.
void check(const KernelLaunch& launch);

}  // namespace bellman::simt::detail
