// Compiled for x86-64-v3: AVX2 and FMA. The vector comes before the kernels, which are written in it.
// clang-format off
#include "core/cpu/fused/vector_avx2.h"
#include "core/cpu/fused/kernels_impl.h"
// clang-format on
#include "core/cpu/fused/kernel_sets.h"

namespace bellman::cpu::fused {

const Kernels kAvx2Kernels = BELLMAN_FUSED_KERNELS("AVX2");

}  // namespace bellman::cpu::fused
