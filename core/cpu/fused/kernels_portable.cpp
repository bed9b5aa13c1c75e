// In plain C++, for every processor. The vector comes before the kernels, which are written in it.
// clang-format off
#include "core/cpu/fused/vector_portable.h"
#include "core/cpu/fused/kernels_impl.h"
// clang-format on
#include "core/cpu/fused/kernel_sets.h"

namespace bellman::cpu::fused {

const Kernels kPortableKernels = BELLMAN_FUSED_KERNELS("plain C++");

}  // namespace bellman::cpu::fused
