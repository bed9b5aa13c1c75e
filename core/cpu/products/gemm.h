// The product of two matrices, which dense layers are made of, and convolutions whose patches
// are written out as rows, written twice: `gemm_eigen`
// says what is meant in one line of Eigen; `gemm_tiled` keeps a tile of the result in registers and is made
// for the small and narrow shapes of Q-networks. Both sum over k in one order that depends on the shapes
// alone, and neither allocates.
#pragma once

#include "core/base/tensor.h"

namespace bellman::cpu {

/// A matrix in somebody's memory: element (i,j) is data[i * row_stride + j * column_stride]. One of the
/// strides is 1.
template <class T>
struct Matrix {
  T* data;
  Index rows, columns;
  Index row_stride, column_stride;

  T* at(Index i, Index j) const { return data + i * row_stride + j * column_stride; }
  Matrix transposed() const { return {data, columns, rows, column_stride, row_stride}; }
  Matrix block(Index i, Index j, Index height, Index width) const {
    return {at(i, j), height, width, row_stride, column_stride};
  }
  operator Matrix<const T>() const { return {data, rows, columns, row_stride, column_stride}; }
};

/// Dense row-major t(rows, columns).
template <class T>
Matrix<T> row_major(T* data, Index rows, Index columns) {
  return {data, rows, columns, columns, 1};
}

/// What becomes of the product: written over c, with `bias` (one number a column, or null) in every row; or
/// added to c.
struct Write {
  bool accumulate = false;
  const float* bias = nullptr;
};

/// c(M,N) = a(M,K) b(K,N) + bias(N), or c += a b.
using Gemm = void(Matrix<float> c, Matrix<const float> a, Matrix<const float> b, Write write);
Gemm gemm_eigen;
Gemm gemm_tiled;

}  // namespace bellman::cpu
