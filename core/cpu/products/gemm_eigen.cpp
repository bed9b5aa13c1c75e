// The product as Eigen writes it. Blocks of the matrices are multiplied one after the other, so that Eigen's
// packed copies of them stay below the size (128 KiB) from which it would allocate.
#include <algorithm>
#include <type_traits>

#include "core/base/check.h"
#include "core/cpu/eigen_map.h"
#include "core/cpu/products/matrix.h"

namespace bellman::cpu {
namespace {

constexpr Index kBlock = 128;  // rows and columns of c
constexpr Index kDepth = 192;  // steps of k
static_assert(kBlock * kDepth * sizeof(float) < EIGEN_STACK_ALLOCATION_LIMIT);

/// f(map of m), a row-major map or the transpose of one.
template <class T, class F>
void with_map(Matrix<T> m, F f) {
  using Plain = std::conditional_t<std::is_const_v<T>, const RowMajor, RowMajor>;
  using Map = Eigen::Map<Plain, 0, Eigen::OuterStride<>>;
  if (m.column_stride == 1)
    f(Map(m.data, m.rows, m.columns, Eigen::OuterStride<>(m.row_stride)));
  else
    f(Map(m.data, m.columns, m.rows, Eigen::OuterStride<>(m.column_stride)).transpose());
}

}  // namespace

void gemm_eigen(Matrix<float> c, Matrix<const float> a, Matrix<const float> b, Write write) {
  BELLMAN_CHECK(a.rows == c.rows && b.columns == c.columns && a.columns == b.rows);
  if (!write.accumulate)
    with_map(c, [&](auto result) {
      if (write.bias)
        result.rowwise() = Eigen::Map<const Eigen::RowVectorXf>(write.bias, c.columns);
      else
        result.setZero();
    });
  for (Index i = 0; i < c.rows; i += kBlock)
    for (Index j = 0; j < c.columns; j += kBlock)
      for (Index k = 0; k < a.columns; k += kDepth) {
        const Index height = std::min(kBlock, c.rows - i), width = std::min(kBlock, c.columns - j);
        const Index depth = std::min(kDepth, a.columns - k);
        with_map(c.block(i, j, height, width), [&](auto c_block) {
          with_map(a.block(i, k, height, depth), [&](const auto& a_block) {
            with_map(b.block(k, j, depth, width),
                     [&](const auto& b_block) { c_block.noalias() += a_block * b_block; });
          });
        });
      }
}

}  // namespace bellman::cpu
