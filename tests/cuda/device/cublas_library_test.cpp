#include "cuda/device/cublas_library.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/error_message.h"

#if __has_include(<cublas_v2.h>)
#include <cublas_v2.h>
#endif

namespace bellman::cuda {
namespace {

using Use = LibraryChoice::Use;

TEST_CASE("what BELLMAN_CUBLAS says") {
  CHECK(cublas_choice(nullptr).use == Use::kIfThere);
  CHECK(cublas_choice("").use == Use::kIfThere);
  CHECK(cublas_choice("off").use == Use::kNever);
  CHECK(cublas_choice("on").use == Use::kAlways);
  CHECK(cublas_choice("./libcublas.so").use == Use::kAlways);
  CHECK(cublas_choice("./libcublas.so").file == "./libcublas.so");
  for (const char* const wrong : {"Off", "0", "no", "libcublas.so"})
    CHECK(test::error_message([&] { cublas_choice(wrong); }) ==
          std::string("BELLMAN_CUBLAS is \"") + wrong + "\", must be off, on or the path of libcublas.so");
}

TEST_CASE("a library is opened, and its functions are called with what they are given") {
  const auto cublas = open_cublas(cublas_choice(BELLMAN_FAKE_CUBLAS));
  REQUIRE(cublas);
  CublasFunctions::Handle handle = nullptr;
  CHECK(cublas->create(&handle) == CublasFunctions::kSuccess);
  CHECK(handle != nullptr);
  float c = 0;
  const float one = 1;
  const int status = cublas->sgemm(handle, CublasFunctions::kTransposed, CublasFunctions::kAsIs, 2, 3, 4,
                                   &one, &one, 1, &one, 1, &one, &c, 1);
  CHECK(c == 10234);
  CHECK(std::string(cublas->status_name(status)) == "CUBLAS_STATUS_INVALID_VALUE");
}

TEST_CASE("a library that is missing, or is none, is an error only where it was asked for") {
  CHECK(!open_cublas({.use = Use::kNever, .file = BELLMAN_FAKE_CUBLAS}));
  CHECK(!open_cublas({.use = Use::kIfThere, .file = "/nowhere/libcublas.so"}));
  CHECK(!open_cublas({.use = Use::kIfThere, .file = BELLMAN_NO_CUBLAS}));
  const auto refusal = [](const char* file) {
    return test::error_message([&] { open_cublas({.use = Use::kAlways, .file = file}); });
  };
  CHECK(refusal("/nowhere/libcublas.so").find("cuBLAS is missing: /nowhere/libcublas.so") == 0);
  CHECK(refusal(BELLMAN_NO_CUBLAS) == "cuBLAS is missing: " BELLMAN_NO_CUBLAS
                                      " is no cuBLAS of version 12 or later");
}

#if __has_include(<cublas_v2.h>)
TEST_CASE("our declarations are NVIDIA's") {
  CHECK(CublasFunctions::kSuccess == static_cast<int>(CUBLAS_STATUS_SUCCESS));
  CHECK(CublasFunctions::kAsIs == static_cast<int>(CUBLAS_OP_N));
  CHECK(CublasFunctions::kTransposed == static_cast<int>(CUBLAS_OP_T));
  CHECK(CublasFunctions::kDefaultMath == static_cast<int>(CUBLAS_DEFAULT_MATH));
  static_assert(std::is_same_v<CublasFunctions::Handle, cublasHandle_t>);
  static_assert(sizeof(cublasStatus_t) == sizeof(int) && sizeof(cublasOperation_t) == sizeof(int));
  static_assert(std::is_same_v<decltype(&cublasSgemm_v2),
                               cublasStatus_t (*)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int,
                                                  int, int, const float*, const float*, int, const float*,
                                                  int, const float*, float*, int)>);
  static_assert(std::is_same_v<decltype(&cublasSetWorkspace_v2),
                               cublasStatus_t (*)(cublasHandle_t, void*, std::size_t)>);
}
#endif

}  // namespace
}  // namespace bellman::cuda
