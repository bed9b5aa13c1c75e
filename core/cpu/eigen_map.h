// Tensors as Eigen sees them. The only place that includes Eigen; never included by a header that users see.
#pragma once

// Eigen's threads would change the order of sums: the thread pool shares fixed chunks instead.
#define EIGEN_DONT_PARALLELIZE
// GCC 12 takes its own AVX-512 intrinsics, which Eigen calls, for reading uninitialised registers (GCC bug
// 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <Eigen/Core>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include "core/base/tensor.h"

namespace bellman::cpu {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowMap = Eigen::Map<RowMajor>;
using ConstRowMap = Eigen::Map<const RowMajor>;
using ArrayMap = Eigen::Map<Eigen::ArrayXf>;
using ConstArrayMap = Eigen::Map<const Eigen::ArrayXf>;

/// The elements [begin, begin + n) of a tensor of any shape.
inline ArrayMap elements(Tensor t, Index begin, Index n) { return {t.data() + begin, n}; }
inline ConstArrayMap elements(ConstTensor t, Index begin, Index n) { return {t.data() + begin, n}; }

}  // namespace bellman::cpu
