// Sums over a batch: the gradient of whatever is added to every sample.
#pragma once

#include "core/cpu/products/gemm.h"

namespace bellman::cpu {

/// sum(N)[j] += sum over the rows i of m(M,N)[i,j], from the first row to the last. REQUIRES: rows of m are
/// contiguous.
void add_column_sums(float* sum, Matrix<const float> m);

/// The sum of n numbers: lane by lane, then the lanes.
float sum(const float* x, Index n);

/// The sum of their squares, each squared and added in double.
double sum_of_squares(const float* x, Index n);

}  // namespace bellman::cpu
