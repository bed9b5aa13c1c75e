// Dense layers of 512 features and more through cuBLAS, in FP32 (no TF32: gpu_verify.sh compares with FP32
// bounds), where the machine has it (cuda/device/cublas_library.h); else our own kernels compute them.
// BELLMAN_CUBLAS in the environment: off, on (an error where it is missing), or the library's path.
#pragma once

#include <memory>

#include "core/base/tensor.h"
#include "cuda/device/cublas_library.h"
#include "cuda/device/runtime.h"

namespace bellman::cuda {

/// Uses one stream with a workspace of its own: cuBLAS then gives the same bits every time.
class LibraryProducts {
 public:
  /// cuBLAS is opened with the first layer that is wide enough. REQUIRES: the stream outlives it.
  /// Throws: Error for a BELLMAN_CUBLAS that means nothing.
  explicit LibraryProducts(Stream& stream);
  /// For layers of at least `smallest_width` inputs and outputs, whatever the environment says: for
  /// measurements.
  LibraryProducts(Stream& stream, Index smallest_width);
  ~LibraryProducts();
  LibraryProducts(const LibraryProducts&) = delete;
  LibraryProducts& operator=(const LibraryProducts&) = delete;

  static constexpr Index kSmallestWidth = 512;  // of inputs and of outputs
  /// Opens the library at the first call. Throws: Error when BELLMAN_CUBLAS requires one that is missing, or
  /// when it cannot be started.
  bool is_available();
  /// REQUIRES, of the next three: shapes that match. Throws: Error as is_available().
  bool takes(const Shape& x, const Shape& w);
  /// False when our kernels must compute the layer. Throws: Error when cuBLAS refuses.
  bool dense_forward(Tensor y, ConstTensor x, ConstTensor w, ConstTensor b);
  bool dense_backward(Tensor dx, Tensor dw, Tensor db, ConstTensor dy, ConstTensor x, ConstTensor w);

 private:
  /// c(m,n) = a(m,k) b(k,n) + beta c, column-major. Without padding, because recordings compare its bytes.
  struct Product {
    int m, n, k;
    int a_transposed = 0, b_transposed = 0;
    int a_leading, b_leading;
    float beta;
    friend bool operator==(const Product&, const Product&) = default;
  };
  void multiply(float* c, const float* a, const float* b, const Product& product);
  void warm_up(const float* a, const float* b, const Product& product);

  struct Library;
  Stream& stream_;
  LibraryChoice choice_;
  Index smallest_width_ = kSmallestWidth;
  bool looked_ = false;
  std::unique_ptr<Library> library_;
};

}  // namespace bellman::cuda
