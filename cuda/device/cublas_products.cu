#include "cuda/device/cublas_products.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "cuda/base/integers.h"
#include "cuda/base/reduce.cuh"
#include "cuda/device/cublas_library.h"

namespace bellman::cuda {
namespace {

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

/// db(O) += the sums over the rows of dy(B,O).
__global__ void __launch_bounds__(kColumnSumThreads)
    column_sums_kernel(float* db, const float* __restrict__ dy, int rows, int columns) {
  BELLMAN_SHARED(float, memory, [kColumnSumThreads]);
  add_column_sums(memory, db, dy, rows, columns, static_cast<int>(blockIdx.x) * kSumColumns);
}

struct Sizes {
  int batch, inputs, outputs;
};
Sizes sizes(const ConstTensor& x, const ConstTensor& w) {
  checked_int("dense", "the number of elements of x", x.elements());
  checked_int("dense", "the number of elements of w", w.elements());
  checked_int("dense", "the number of elements of y", x[0] * w[0]);
  return {static_cast<int>(x[0]), static_cast<int>(w[1]), static_cast<int>(w[0])};
}

}  // namespace

struct LibraryProducts::Library {
  CublasFunctions cublas;
  CublasFunctions::Handle handle = nullptr;
  DeviceMemory workspace{kWorkspaceBytes};
  std::vector<Product> known;  // that have run once, outside of a capture

  Library(const CublasFunctions& functions, Stream& stream) : cublas(functions) {
    check("cublasCreate", cublas.create(&handle));
    check("cublasSetStream", cublas.set_stream(handle, stream.get()));
    check("cublasSetWorkspace", cublas.set_workspace(handle, workspace.data(), kWorkspaceBytes));
    check("cublasSetMathMode", cublas.set_math_mode(handle, CublasFunctions::kDefaultMath));
  }
  ~Library() {
    if (handle) static_cast<void>(cublas.destroy(handle));
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  void check(const char* call, CublasFunctions::Status status) const {
    if (status != CublasFunctions::kSuccess)
      fail("cuBLAS: ", call, " failed: ", cublas.status_name(status), " (", cublas.status_text(status), ")");
  }
  void multiply(float* c, const float* a, const float* b, const Product& p) const {
    const auto operation = [](bool transposed) {
      return transposed ? CublasFunctions::kTransposed : CublasFunctions::kAsIs;
    };
    const float one = 1;
    check("cublasSgemm", cublas.sgemm(handle, operation(p.a_transposed), operation(p.b_transposed), p.m, p.n,
                                      p.k, &one, a, p.a_leading, b, p.b_leading, &p.beta, c, p.m));
  }
};

LibraryProducts::LibraryProducts(Stream& stream)
    : stream_(stream), choice_(cublas_choice(std::getenv("BELLMAN_CUBLAS"))) {}
LibraryProducts::LibraryProducts(Stream& stream, Index smallest_width)
    : stream_(stream), smallest_width_(smallest_width) {}
LibraryProducts::~LibraryProducts() = default;

bool LibraryProducts::is_available() {
  if (!looked_) {
    if (const auto functions = open_cublas(choice_))
      library_ = std::make_unique<Library>(*functions, stream_);
    looked_ = true;
  }
  return library_ != nullptr;
}

bool LibraryProducts::takes(const Shape& x, const Shape& w) {
  return x[0] > 0 && w[0] >= smallest_width_ && w[1] >= smallest_width_ && is_available();
}

// A graph captures what cuBLAS queues. The first product of its shape may load code and allocate memory,
// which a capture does not allow: so that one runs by itself first, into memory that is discarded.
void LibraryProducts::warm_up(const float* a, const float* b, const Product& product) {
  std::vector<Product>& known = library_->known;
  if (std::find(known.begin(), known.end(), product) != known.end()) return;
  const DeviceMemory c(sizeof(float) * static_cast<std::size_t>(product.m) *
                       static_cast<std::size_t>(product.n));
  BELLMAN_CUDA_CALL(cudaMemsetAsync(c.data(), 0, c.bytes(), stream_.get()));
  library_->multiply(static_cast<float*>(c.data()), a, b, product);
  BELLMAN_CUDA_CALL(cudaStreamSynchronize(stream_.get()));
  known.push_back(product);
}

void LibraryProducts::multiply(float* c, const float* a, const float* b, const Product& product) {
  warm_up(a, b, product);
  static const char kProduct = 0;
  stream_.call_library(
      &kProduct, [=, this] { library_->multiply(c, a, b, product); }, c, a, b, product);
}

// cuBLAS's matrices are column-major, ours row-major: our x(B,I) is its transpose, I x B. So
//   y^T(O,B) = w(O,I) x^T(I,B)
// and likewise for the gradients.
bool LibraryProducts::dense_forward(Tensor y, ConstTensor x, ConstTensor w, ConstTensor b) {
  if (!takes(x.shape(), w.shape())) return false;
  const auto [batch, inputs, outputs] = sizes(x, w);
  const dim3 grid(static_cast<unsigned>((outputs + kBlock - 1) / kBlock),
                  static_cast<unsigned>(batch < 64 ? batch : 64));
  launch(stream_, repeat_row, grid, dim3(kBlock), 0, y.data(), b.data(), batch, outputs);
  multiply(y.data(), w.data(), x.data(),
           {.m = outputs,
            .n = batch,
            .k = inputs,
            .a_transposed = 1,
            .a_leading = inputs,
            .b_leading = inputs,
            .beta = 1});
  return true;
}

bool LibraryProducts::dense_backward(Tensor dx, Tensor dw, Tensor db, ConstTensor dy, ConstTensor x,
                                     ConstTensor w) {
  if (!takes(x.shape(), w.shape())) return false;
  const auto [batch, inputs, outputs] = sizes(x, w);
  multiply(dw.data(), x.data(), dy.data(),
           {.m = inputs,
            .n = outputs,
            .k = batch,
            .b_transposed = 1,
            .a_leading = inputs,
            .b_leading = outputs,
            .beta = 1});
  launch(stream_, column_sums_kernel, blocks_for(outputs, kSumColumns), dim3(kColumnSumThreads), 0, db.data(),
         dy.data(), batch, outputs);
  if (dx)
    multiply(dx.data(), w.data(), dy.data(),
             {.m = inputs, .n = batch, .k = outputs, .a_leading = inputs, .b_leading = outputs, .beta = 0});
  return true;
}

}  // namespace bellman::cuda
