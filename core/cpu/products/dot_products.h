// The product of matrices whose common dimension k is contiguous in both, without copying either: sums along
// k stay in vectors, one for each number of the result, and are added up across the lanes at the end.
#pragma once

#include "core/cpu/products/gemm.h"

namespace bellman::cpu {

/// As gemm_tiled. REQUIRES: rows of a and columns of b are contiguous.
void dot_products(Matrix<float> c, Matrix<const float> a, Matrix<const float> b, Write write);

}  // namespace bellman::cpu
