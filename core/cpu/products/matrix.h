// Products of two matrices and sums of their rows. Dense layers are made of products, and so are convolutions whose patches
// are written out as rows. `gemm_eigen` is the plain one, in a line of Eigen; `gemm_tiled` keeps a tile of the result in
// registers and is made for the small and narrow shapes of Q-networks. All sum in one order that depends on the shapes alone,
// and none allocates.
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
/// Without a copy of either matrix: sums along k stay in vectors, one for each number of the result, and are added up across
/// the lanes at the end. REQUIRES: rows of a and columns of b are contiguous.
Gemm dot_products;

/// sum(N)[j] += sum over the rows i of m(M,N)[i,j], from the first row to the last. REQUIRES: rows of m are
/// contiguous.
void add_column_sums(float* sum, Matrix<const float> m);

/// The sum of n numbers: lane by lane, then the lanes.
float sum(const float* x, Index n);

/// The sum of their squares, each squared and added in double.
double sum_of_squares(const float* x, Index n);

}  // namespace bellman::cpu
