// Arithmetic in double with the host's bits on a device. The host compiles with -ffp-contract=off; a device's
// compiler fuses a product and a sum. RoundedDouble rounds each by itself there, too, for what is a template
// on its number: envs/control/continuous_task.h, core/base/numeric.h.
#pragma once

#include "core/base/numeric.h"
#include "cuda/base/dialect.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

struct RoundedDouble {
  double value = 0;
  RoundedDouble() = default;
  __host__ __device__ RoundedDouble(double number) : value(number) {}  // NOLINT: implicit

  friend __host__ __device__ RoundedDouble operator+(RoundedDouble a, RoundedDouble b) {
#if defined(__CUDA_ARCH__)
    return __dadd_rn(a.value, b.value);
#else
    return a.value + b.value;
#endif
  }
  friend __host__ __device__ RoundedDouble operator-(RoundedDouble a, RoundedDouble b) {
#if defined(__CUDA_ARCH__)
    return __dsub_rn(a.value, b.value);
#else
    return a.value - b.value;
#endif
  }
  friend __host__ __device__ RoundedDouble operator*(RoundedDouble a, RoundedDouble b) {
#if defined(__CUDA_ARCH__)
    return __dmul_rn(a.value, b.value);
#else
    return a.value * b.value;
#endif
  }
  friend __host__ __device__ RoundedDouble operator/(RoundedDouble a, RoundedDouble b) {
    return a.value / b.value;  // is never fused
  }
  friend __host__ __device__ bool operator<(RoundedDouble a, RoundedDouble b) { return a.value < b.value; }
  friend __host__ __device__ bool operator>(RoundedDouble a, RoundedDouble b) { return a.value > b.value; }
  friend __host__ __device__ bool operator>=(RoundedDouble a, RoundedDouble b) { return a.value >= b.value; }
};

/// core/base/numeric.h: x^a with the same bits on host and device.
__device__ __forceinline__ double deterministic_pow(double x, double a) {
#if defined(__CUDA_ARCH__)
  return PowerOf<RoundedDouble, std::int64_t>::of(x, a).value;
#else
  return bellman::deterministic_pow(x, a);
#endif
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
