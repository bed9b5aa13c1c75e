// Compiled for x86-64-v4: AVX-512 F, BW, CD, DQ, VL. The vector comes before the kernels, which are written
// in it.
// clang-format off
#include "core/cpu/fused/vector_avx512.h"
#include "core/cpu/fused/kernels_impl.h"
// clang-format on
#include "core/cpu/fused/kernel_sets.h"

namespace bellman::cpu::fused {

const Kernels kAvx512Kernels = BELLMAN_FUSED_KERNELS("AVX-512");

}  // namespace bellman::cpu::fused
