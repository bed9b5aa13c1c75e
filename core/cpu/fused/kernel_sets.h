// The kernels of every instruction set that was compiled, each in its own .cpp.
#pragma once

#include "core/cpu/fused/kernels.h"

namespace bellman::cpu::fused {

extern const Kernels kPortableKernels;
#if defined(BELLMAN_FUSED_X86)
extern const Kernels kAvx2Kernels;    // only for processors with AVX2 and FMA
extern const Kernels kAvx512Kernels;  // only for processors with AVX-512 F, BW, CD, DQ, VL
#endif

}  // namespace bellman::cpu::fused
