// Right operands of panel products (core/cpu/simd/kernels.h), copied from row-major matrices.
#pragma once

#include "core/base/tensor.h"
#include "core/cpu/simd/kernels.h"

namespace bellman::cpu {

/// The lanes of the widest panel.
inline constexpr Index kMaxPanel = 32;
/// Numbers of a right operand that stay in the L1 cache beside the streamed left operand: 24 KiB.
inline constexpr Index kRightOperand = 6144;

/// panel(length,kPanel): lane j is the row at rows + j stride, j < count; the other lanes are zero.
void gather_rows(const Kernels& kernels, float* panel, const float* rows, Index stride, Index length,
                 Index count);

/// panels(ceil(columns / kPanel), length, kPanel): rows(length,columns), the first at `rows` and the next
/// `stride` after it, cut into panels; the last one's other lanes are zero. Reads each row once, in order.
void copy_panels(const Kernels& kernels, float* panels, const float* rows, Index stride, Index length,
                 Index columns);

}  // namespace bellman::cpu
