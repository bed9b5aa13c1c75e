// A double whose products and sums are rounded one by one on the device, too, where the compiler otherwise
// joins a product and a sum: what is written for any kind of number (envs/control/continuous_task.h, core/base/power_of.h)
// then has the bits there that it has on the host, which compiles it with -ffp-contract=off.
#pragma once

#include "cuda/base/dialect.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

struct RoundedDouble {
  double value = 0;
  RoundedDouble() = default;
  __host__ __device__ RoundedDouble(double number) : value(number) {}  // NOLINT: stands for the number

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
    return a.value / b.value;  // nothing that it could be joined with
  }
  friend __host__ __device__ bool operator<(RoundedDouble a, RoundedDouble b) { return a.value < b.value; }
  friend __host__ __device__ bool operator>(RoundedDouble a, RoundedDouble b) { return a.value > b.value; }
  friend __host__ __device__ bool operator>=(RoundedDouble a, RoundedDouble b) { return a.value >= b.value; }
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
