#include <vector>

#include "core/cpu/simd/kernels.h"

namespace bellman::cpu {

// kernels.cpp, compiled once for each (CMakeLists.txt).
extern const Kernels kPortableKernels;
#if defined(BELLMAN_X86_KERNELS)
extern const Kernels kAvx2Kernels;    // x86-64-v3
extern const Kernels kAvx512Kernels;  // x86-64-v4
#endif

std::span<const Kernels* const> usable_kernels() {
  static const std::vector<const Kernels*> usable = [] {
    std::vector<const Kernels*> found;
#if defined(BELLMAN_X86_KERNELS)
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                      __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
      found.push_back(&kAvx512Kernels);
    if (avx2) found.push_back(&kAvx2Kernels);
#endif
    found.push_back(&kPortableKernels);
    return found;
  }();
  return usable;
}

}  // namespace bellman::cpu
