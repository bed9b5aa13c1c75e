// Max pooling (core/reference): y[n,c,i,j] = the largest number of its window of x, and
//   dL/dx[n,c,h,v] = the sum of dy[n,c,i,j] over the windows (i,j) whose first maximum is at (h,v).
// The definition scatters each dy to one pixel; where windows overlap, threads would add to the same
// pixel at once. Here each pixel gathers instead: it searches the windows that contain it, in row-major
// order, and adds the dy of those whose first maximum it is. Each number is written by one thread, the
// order of the sum is fixed, and the forward pass need not store anything.
//
// One thread an element, neighbouring threads at neighbouring pixels: their loads share sectors. Windows are
// small and overlap little, so every pixel of a window searches it again, out of the cache. Speed:
// unmeasured.

#include "cuda/backend/cuda_backend.h"
#include "cuda/base/integers.h"
#include "cuda/ops/conv2d.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

constexpr int kPoolThreads = 256;

/// Of one op: x(B,C,H,W) and y(B,C,OH,OW), and how the window moves.
struct PoolSizes {
  int H, W, OH, OW, kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w;
};

struct Position {
  int h, w;
};

/// The first maximum, in row-major order, of output (i,j)'s window of image(H,W). No number is larger than a
/// NaN, nor a NaN larger than a number: it wins exactly when it comes first.
__device__ Position first_maximum(const float* image, int i, int j, const PoolSizes& s) {
  const int top = i * s.stride_h - s.padding_h, left = j * s.stride_w - s.padding_w;
  const int first_h = max(top, 0), first_w = max(left, 0);
  const int end_h = min(top + s.kernel_h, s.H), end_w = min(left + s.kernel_w, s.W);
  Position best = {first_h, first_w};
  float largest = image[first_h * s.W + first_w];
  for (int h = first_h; h < end_h; ++h)
    for (int w = first_w; w < end_w; ++w) {
      const float value = image[h * s.W + w];
      if (value > largest) {
        largest = value;
        best = {h, w};
      }
    }
  return best;
}

/// One thread an element of y.
__global__ void __launch_bounds__(kPoolThreads)
    max_pool2d_forward_kernel(float* y, const float* __restrict__ x, int elements, PoolSizes s) {
  const int at = blockIdx.x * kPoolThreads + threadIdx.x;
  if (at >= elements) return;
  const int j = at % s.OW, i = at / s.OW % s.OH, plane = at / s.OW / s.OH;
  const float* const image = x + static_cast<Index>(plane) * s.H * s.W;
  const Position best = first_maximum(image, i, j, s);
  y[at] = image[best.h * s.W + best.w];
}

/// One thread an element of dx.
__global__ void __launch_bounds__(kPoolThreads)
    max_pool2d_backward_kernel(float* dx, const float* __restrict__ dy, const float* __restrict__ x,
                               int elements, PoolSizes s) {
  const int at = blockIdx.x * kPoolThreads + threadIdx.x;
  if (at >= elements) return;
  const int w = at % s.W, h = at / s.W % s.H, plane = at / s.W / s.H;
  const float* const image = x + static_cast<Index>(plane) * s.H * s.W;
  const float* const gradient = dy + static_cast<Index>(plane) * s.OH * s.OW;
  const WindowRange rows = windows_of(h, s.padding_h, s.kernel_h, s.stride_h, s.OH);
  const WindowRange columns = windows_of(w, s.padding_w, s.kernel_w, s.stride_w, s.OW);
  float sum = 0.0F;
  for (int i = rows.first; i <= rows.last; ++i)
    for (int j = columns.first; j <= columns.last; ++j) {
      const Position best = first_maximum(image, i, j, s);
      if (best.h == h && best.w == w) sum += gradient[i * s.OW + j];
    }
  dx[at] = sum;
}

PoolSizes sizes(const char* op, const Shape& x, const Shape& y, const Window& window) {
  checked_int(op, "the number of elements of x", x.elements());
  checked_int(op, "the number of elements of y", y.elements());
  checked_int(op, "the image's height with its padding", x[2] + 2 * window.padding_h);
  checked_int(op, "the image's width with its padding", x[3] + 2 * window.padding_w);
  const auto number = [](Index n) { return static_cast<int>(n); };
  return {number(x[2]),
          number(x[3]),
          number(y[2]),
          number(y[3]),
          number(window.kernel_h),
          number(window.kernel_w),
          number(window.stride_h),
          number(window.stride_w),
          number(window.padding_h),
          number(window.padding_w)};
}

}  // namespace

void CudaBackend::do_max_pool2d_forward(Out y, In x, const Window& window) {
  const PoolSizes s = sizes("max_pool2d_forward", x.shape(), y.shape(), window);
  if (y.elements() == 0) return;
  launch(stream_, max_pool2d_forward_kernel, blocks_for(y.elements(), kPoolThreads), dim3(kPoolThreads), 0,
         y.data(), x.data(), static_cast<int>(y.elements()), s);
}

void CudaBackend::do_max_pool2d_backward(Out dx, In dy, In x, const Window& window) {
  const PoolSizes s = sizes("max_pool2d_backward", x.shape(), dy.shape(), window);
  if (dx.elements() == 0) return;
  launch(stream_, max_pool2d_backward_kernel, blocks_for(dx.elements(), kPoolThreads), dim3(kPoolThreads), 0,
         dx.data(), dy.data(), x.data(), static_cast<int>(dx.elements()), s);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
