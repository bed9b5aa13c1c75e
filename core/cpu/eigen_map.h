// Tensors as maps of Eigen. The only file that includes Eigen; no installed header includes it.
#pragma once

// Eigen's threads would change the order of sums; the thread pool uses fixed chunks instead.
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
