// Which instruction set the fused kernels use, found out when the program runs.
#pragma once

#include <span>

#include "core/cpu/fused/kernels.h"

namespace bellman::cpu::fused {

/// Those that this processor can run, the fastest first; the portable one is always among them.
std::span<const Kernels* const> usable_kernels();

}  // namespace bellman::cpu::fused
