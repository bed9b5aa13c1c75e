#include "cuda/device/cublas_products.h"

#include <cstdlib>
#include <string_view>

#include <cublas_v2.h>

namespace bellman::cuda {
namespace {

void check_library(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS)
    fail("cuBLAS: ", call, " failed: ", cublasGetStatusName(status), " (", cublasGetStatusString(status),
         ")");
}
#define BELLMAN_CUBLAS_CALL(call) check_library((call), #call)

constexpr std::size_t kWorkspaceBytes = 32 << 20;  // what NVIDIA advises for compute capability 9.0
constexpr unsigned kBlock = 256;

/// y(B,O): every row is b(O).
__global__ void __launch_bounds__(kBlock) repeat_row(float* y, const float* b, int rows, int columns) {
  const int column = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (column >= columns) return;
  const float value = b[column];
  for (int row = static_cast<int>(blockIdx.y); row < rows; row += static_cast<int>(gridDim.y))
    y[static_cast<std::size_t>(row) * columns + column] = value;
}

/// db(O) += the sums over the rows of dy(B,O), in the order of the rows.
__global__ void __launch_bounds__(kBlock) add_column_sums(float* db, const float* dy, int rows, int columns) {
  const int column = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (column >= columns) return;
  float sum = 0;
  for (int row = 0; row < rows; ++row) sum += dy[static_cast<std::size_t>(row) * columns + column];
  db[column] += sum;
}

bool switched_off() {
  const char* const value = std::getenv("BELLMAN_CUBLAS");
  return value && std::string_view(value) == "off";
}

}  // namespace

struct LibraryProducts::Handle {
  cublasHandle_t handle = nullptr;
  DeviceMemory workspace{kWorkspaceBytes};
  ~Handle() {
    if (handle) static_cast<void>(cublasDestroy(handle));
  }
};

LibraryProducts::LibraryProducts(Stream& stream) : stream_(stream), on_(!switched_off()) {}
LibraryProducts::LibraryProducts(Stream& stream, Index smallest_width)
    : stream_(stream), on_(true), smallest_width_(smallest_width) {}
LibraryProducts::~LibraryProducts() = default;

bool LibraryProducts::takes(const Shape& x, const Shape& w) const {
  return on_ && x[0] > 0 && w[0] >= smallest_width_ && w[1] >= smallest_width_;
}

void LibraryProducts::start() {
  if (handle_) return;
  auto handle = std::make_unique<Handle>();
  BELLMAN_CUBLAS_CALL(cublasCreate(&handle->handle));
  BELLMAN_CUBLAS_CALL(cublasSetStream(handle->handle, stream_.get()));
  BELLMAN_CUBLAS_CALL(cublasSetWorkspace(handle->handle, handle->workspace.data(), kWorkspaceBytes));
  BELLMAN_CUBLAS_CALL(cublasSetMathMode(handle->handle, CUBLAS_DEFAULT_MATH));
  handle_ = std::move(handle);
}

void LibraryProducts::multiply(float* c, const Matrix& a, const Matrix& b, Index m, Index n, Index k,
                               float beta) {
  start();
  const auto call = [=, handle = handle_->handle] {
    const float one = 1;
    BELLMAN_CUBLAS_CALL(cublasSgemm(
        handle, a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N, b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N,
        static_cast<int>(m), static_cast<int>(n), static_cast<int>(k), &one, a.data,
        static_cast<int>(a.leading), b.data, static_cast<int>(b.leading), &beta, c, static_cast<int>(m)));
  };
  static const char kProduct = 0;
  stream_.call_library(&kProduct, call, c, a.data, b.data, a.transposed, b.transposed, m, n, k, beta);
}

// cuBLAS's matrices lie column by column, ours row by row: what we call x(B,I) it calls the transpose, I x B.
// So y^T(O,B) = w(O,I) x^T(I,B), and likewise for the gradients.
bool LibraryProducts::dense_forward(Tensor y, ConstTensor x, ConstTensor w, ConstTensor b) {
  if (!takes(x.shape(), w.shape())) return false;
  const Index batch = x[0], inputs = w[1], outputs = w[0];
  const dim3 grid(static_cast<unsigned>((outputs + kBlock - 1) / kBlock),
                  static_cast<unsigned>(batch < 64 ? batch : 64));
  launch(stream_, repeat_row, grid, dim3(kBlock), 0, y.data(), b.data(), static_cast<int>(batch),
         static_cast<int>(outputs));
  multiply(y.data(), {w.data(), true, inputs}, {x.data(), false, inputs}, outputs, batch, inputs, 1);
  return true;
}

bool LibraryProducts::dense_backward(Tensor dx, Tensor dw, Tensor db, ConstTensor dy, ConstTensor x,
                                     ConstTensor w) {
  if (!takes(x.shape(), w.shape())) return false;
  const Index batch = x[0], inputs = w[1], outputs = w[0];
  multiply(dw.data(), {x.data(), false, inputs}, {dy.data(), true, outputs}, inputs, outputs, batch, 1);
  launch(stream_, add_column_sums, dim3(static_cast<unsigned>((outputs + kBlock - 1) / kBlock)), dim3(kBlock),
         0, db.data(), dy.data(), static_cast<int>(batch), static_cast<int>(outputs));
  if (dx)
    multiply(dx.data(), {w.data(), false, inputs}, {dy.data(), false, outputs}, inputs, batch, outputs, 0);
  return true;
}

}  // namespace bellman::cuda
