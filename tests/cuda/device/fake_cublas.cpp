// A library of cuBLAS's names, whose product says what it was given.
#include <cstddef>

extern "C" {

int cublasCreate_v2(void** handle) {
  static int made = 0;
  *handle = &made;
  return 0;
}
int cublasDestroy_v2(void*) { return 0; }
int cublasSetStream_v2(void*, void*) { return 0; }
int cublasSetWorkspace_v2(void*, void*, std::size_t) { return 0; }
int cublasSetMathMode(void*, int) { return 0; }
int cublasSgemm_v2(void*, int a_operation, int b_operation, int m, int n, int k, const float*, const float*,
                   int, const float*, int, const float*, float* c, int) {
  *c = static_cast<float>(10000 * a_operation + 1000 * b_operation + 100 * m + 10 * n + k);
  return 7;
}
const char* cublasGetStatusName(int status) { return status == 7 ? "CUBLAS_STATUS_INVALID_VALUE" : ""; }
const char* cublasGetStatusString(int) { return "made up"; }
}
