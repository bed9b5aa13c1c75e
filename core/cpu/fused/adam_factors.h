// The factors of a step of Adam, of which the powers of beta are taken in double.
#pragma once

#include "core/cpu/fused/kernels.h"
#include "core/ops/backend.h"

namespace bellman::cpu::fused {

/// Of the `step`-th step, from 1; gradients count in full.
AdamFactors adam_factors(const AdamOptions& options, float learning_rate, Index step);

}  // namespace bellman::cpu::fused
