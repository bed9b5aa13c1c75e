// core/power.h on a device: the same bits.
#pragma once

#include "core/host_device.h"
#if defined(__CUDA_ARCH__)
#include "core/power_of.h"
#else
#include "core/power.h"
#endif

namespace bellman::BELLMAN_CUDA_NAMESPACE {

#if defined(__CUDA_ARCH__)
struct DeviceArithmetic {
  __device__ static double product(double a, double b) { return __dmul_rn(a, b); }
  __device__ static double sum(double a, double b) { return __dadd_rn(a, b); }
};
__device__ __forceinline__ double raised(double x, double a) {
  return PowerOf<double, std::int64_t, DeviceArithmetic>::of(x, a);
}
#else
__device__ inline double raised(double x, double a) { return bellman::raised(x, a); }
#endif

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
