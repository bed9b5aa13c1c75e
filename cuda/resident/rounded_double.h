// A double whose products and sums are rounded one by one on the device, too, where the compiler otherwise
// joins a product and a sum: an environment then plays the same game there as on the host, which is compiled
// with -ffp-contract=off.
#pragma once

#include "cuda/dialect.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

struct RoundedDouble {
  double value = 0;
  RoundedDouble() = default;
  __host__ __device__ RoundedDouble(double number) : value(number) {}  // NOLINT: stands for the number

#if defined(__CUDA_ARCH__)
  friend __device__ RoundedDouble operator+(RoundedDouble a, RoundedDouble b) {
    return __dadd_rn(a.value, b.value);
  }
  friend __device__ RoundedDouble operator-(RoundedDouble a, RoundedDouble b) {
    return __dsub_rn(a.value, b.value);
  }
  friend __device__ RoundedDouble operator*(RoundedDouble a, RoundedDouble b) {
    return __dmul_rn(a.value, b.value);
  }
  friend __device__ RoundedDouble operator/(RoundedDouble a, RoundedDouble b) {
    return __ddiv_rn(a.value, b.value);
  }
#else
  friend __host__ __device__ RoundedDouble operator+(RoundedDouble a, RoundedDouble b) {
    return a.value + b.value;
  }
  friend __host__ __device__ RoundedDouble operator-(RoundedDouble a, RoundedDouble b) {
    return a.value - b.value;
  }
  friend __host__ __device__ RoundedDouble operator*(RoundedDouble a, RoundedDouble b) {
    return a.value * b.value;
  }
  friend __host__ __device__ RoundedDouble operator/(RoundedDouble a, RoundedDouble b) {
    return a.value / b.value;
  }
#endif
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
