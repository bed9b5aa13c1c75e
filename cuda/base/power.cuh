// core/base/power.h on a device: the same bits.
#pragma once

#include "core/base/power.h"
#include "core/base/power_of.h"
#include "cuda/base/dialect.h"
#include "cuda/base/rounded_double.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

__device__ __forceinline__ double raised(double x, double a) {
#if defined(__CUDA_ARCH__)
  return PowerOf<RoundedDouble, std::int64_t>::of(x, a).value;
#else
  return bellman::raised(x, a);
#endif
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
