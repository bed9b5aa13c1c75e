// Dense layers of 512 features and more through cuBLAS, in FP32 (no TF32: gpu-verify compares with FP32
// bounds). BELLMAN_CUBLAS=off in the environment: never, so that our own kernels show in its place.
#pragma once

#include <memory>

#include "core/tensor.h"
#include "cuda/device/runtime.h"

namespace bellman::cuda {

/// On one stream with a workspace of its own: cuBLAS then gives the same bits every time.
class LibraryProducts {
 public:
  /// cuBLAS is started with the first layer that is wide enough. REQUIRES: the stream outlives it.
  explicit LibraryProducts(Stream& stream);
  /// For layers of `smallest_width` inputs and outputs and more, whatever the environment says: to measure.
  LibraryProducts(Stream& stream, Index smallest_width);
  ~LibraryProducts();
  LibraryProducts(const LibraryProducts&) = delete;
  LibraryProducts& operator=(const LibraryProducts&) = delete;

  static constexpr Index kSmallestWidth = 512;  // of inputs and of outputs
  bool takes(const Shape& x, const Shape& w) const;
  /// False when the layer is left to our kernels. Throws: Error when cuBLAS refuses.
  bool dense_forward(Tensor y, ConstTensor x, ConstTensor w, ConstTensor b);
  bool dense_backward(Tensor dx, Tensor dw, Tensor db, ConstTensor dy, ConstTensor x, ConstTensor w);

 private:
  struct Matrix {
    const float* data = nullptr;
    bool transposed = false;
    Index leading = 0;  // of the column-major storage
  };
  /// c(M,N) = a(M,K) b(K,N) + beta c, column-major.
  void multiply(float* c, const Matrix& a, const Matrix& b, Index m, Index n, Index k, float beta);
  void start();

  struct Handle;
  Stream& stream_;
  bool on_;
  Index smallest_width_ = kSmallestWidth;
  std::unique_ptr<Handle> handle_;
};

}  // namespace bellman::cuda
