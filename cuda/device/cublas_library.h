// cuBLAS, opened by the first product: building, linking and starting the program do not need it. Declares
// the few functions and constants that we use, as NVIDIA's cublas_v2.h does.
#pragma once

#include <cstddef>
#include <optional>

#include "cuda/device/library_choice.h"

struct cublasContext;  // cuBLAS's own

namespace bellman::cuda {

struct CublasFunctions {
  using Handle = cublasContext*;
  using Status = int;     // 0: success
  using Operation = int;  // kAsIs, kTransposed

  Status (*create)(Handle*) = nullptr;
  Status (*destroy)(Handle) = nullptr;
  Status (*set_stream)(Handle, void* stream) = nullptr;
  Status (*set_workspace)(Handle, void* memory, std::size_t bytes) = nullptr;
  Status (*set_math_mode)(Handle, int mode) = nullptr;
  /// c(m,n) = alpha a(m,k) b(k,n) + beta c, column by column.
  Status (*sgemm)(Handle, Operation, Operation, int m, int n, int k, const float* alpha, const float* a,
                  int a_leading, const float* b, int b_leading, const float* beta, float* c,
                  int c_leading) = nullptr;
  const char* (*status_name)(Status) = nullptr;
  const char* (*status_text)(Status) = nullptr;

  static constexpr Status kSuccess = 0;
  static constexpr Operation kAsIs = 0, kTransposed = 1;
  static constexpr int kDefaultMath = 0;  // FP32 products in FP32: no TF32
};

/// The meaning of the environment variable BELLMAN_CUBLAS.
inline LibraryChoice cublas_choice(const char* text) {
  return library_choice("BELLMAN_CUBLAS", "libcublas.so", text);
}

/// Opens the library, which stays open until the program ends. Empty where there is none and `choice` does
/// not require it. Throws: Error naming the files tried, when it does.
std::optional<CublasFunctions> open_cublas(const LibraryChoice& choice);

}  // namespace bellman::cuda
