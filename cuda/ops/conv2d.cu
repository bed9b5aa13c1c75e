// The convolution, straight from its definition (core/reference), one thread a number of the result:
//   y[n,o,i,j]  = b[o] + sum_{c,p,q} w[o,c,p,q] x[n,c,h,v]         h = i stride_h + p - padding_h
//   dx[n,c,h,v] = sum_{o,i,j} dy[n,o,i,j] w[o,c,p,q]               v = j stride_w + q - padding_w
//   dw[o,c,p,q] += sum_{n,i,j} dy[n,o,i,j] x[n,c,h,v]
//   db[o]       += sum_{n,i,j} dy[n,o,i,j]
// One thread computes each sum, in the order written, over the places within the image. The definition's dx
// scatters; here each pixel gathers from the windows (i,j) that contain it. These kernels use no shared
// memory and no scratch: their cost is loads, mostly from the caches. Speed: unmeasured.
//
// They serve convolutions of fewer than kDirectProducts products. Such an op is a few hundred thousand
// multiplications, less work than starting the larger machinery of cuda/ops/conv2d_implicit_gemm.cu.
#include "cuda/ops/conv2d.h"

#include "cuda/backend/cuda_backend.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

constexpr int kConvThreads = 128;
constexpr Index kDirectProducts = Index{1} << 18;

/// One thread an element of y.
__global__ void __launch_bounds__(kConvThreads)
    conv2d_forward_kernel(float* y, const float* __restrict__ x, const float* __restrict__ w,
                          const float* __restrict__ b, int elements, ConvSizes s) {
  const int at = blockIdx.x * kConvThreads + threadIdx.x;
  if (at >= elements) return;
  const int j = at % s.OW, i = at / s.OW % s.OH, o = at / s.OW / s.OH % s.O, n = at / s.OW / s.OH / s.O;
  const int top = i * s.stride_h - s.padding_h, left = j * s.stride_w - s.padding_w;
  const int first_p = max(-top, 0), end_p = min(s.KH, s.H - top);
  const int first_q = max(-left, 0), end_q = min(s.KW, s.W - left);
  float sum = b[o];
  for (int c = 0; c < s.C; ++c) {
    const float* const image = x + (n * s.C + c) * s.H * s.W;
    const float* const kernel = w + (o * s.C + c) * s.KH * s.KW;
    for (int p = first_p; p < end_p; ++p)
      for (int q = first_q; q < end_q; ++q) sum += kernel[p * s.KW + q] * image[(top + p) * s.W + left + q];
  }
  y[at] = sum;
}

/// One thread an element of dx.
__global__ void __launch_bounds__(kConvThreads)
    conv2d_dx_kernel(float* dx, const float* __restrict__ dy, const float* __restrict__ w, int elements,
                     ConvSizes s) {
  const int at = blockIdx.x * kConvThreads + threadIdx.x;
  if (at >= elements) return;
  const int v = at % s.W, h = at / s.W % s.H, c = at / s.W / s.H % s.C, n = at / s.W / s.H / s.C;
  const WindowRange rows = windows_of(h, s.padding_h, s.KH, s.stride_h, s.OH);
  const WindowRange columns = windows_of(v, s.padding_w, s.KW, s.stride_w, s.OW);
  float sum = 0.0F;
  for (int o = 0; o < s.O; ++o) {
    const float* const gradient = dy + (n * s.O + o) * s.OH * s.OW;
    const float* const kernel = w + (o * s.C + c) * s.KH * s.KW;
    for (int i = rows.first; i <= rows.last; ++i)
      for (int j = columns.first; j <= columns.last; ++j) {
        const int p = h + s.padding_h - i * s.stride_h, q = v + s.padding_w - j * s.stride_w;
        sum += gradient[i * s.OW + j] * kernel[p * s.KW + q];
      }
  }
  dx[at] = sum;
}

/// One thread an element of dw; after those, one an element of db.
__global__ void __launch_bounds__(kConvThreads)
    conv2d_dw_kernel(float* dw, float* db, const float* __restrict__ dy, const float* __restrict__ x,
                     int weights, ConvSizes s) {
  const int at = blockIdx.x * kConvThreads + threadIdx.x;
  if (at >= weights + s.O) return;
  const bool is_db = at >= weights;
  const int q = at % s.KW, p = at / s.KW % s.KH;
  const int c = is_db ? 0 : at / s.KW / s.KH % s.C, o = is_db ? at - weights : at / s.taps();
  float sum = 0.0F;
  for (int n = 0; n < s.B; ++n) {
    const float* const image = x + (n * s.C + c) * s.H * s.W;
    const float* const gradient = dy + (n * s.O + o) * s.OH * s.OW;
    for (int i = 0; i < s.OH; ++i)
      for (int j = 0; j < s.OW; ++j) {
        const int h = i * s.stride_h + p - s.padding_h, v = j * s.stride_w + q - s.padding_w;
        if (is_db)
          sum += gradient[i * s.OW + j];
        else if (h >= 0 && h < s.H && v >= 0 && v < s.W)
          sum += gradient[i * s.OW + j] * image[h * s.W + v];
      }
  }
  (is_db ? db[o] : dw[at]) += sum;
}

bool is_direct(const ConvSizes& s) {
  return double(s.B) * s.O * s.places() * s.taps() < double(kDirectProducts);
}

}  // namespace

Index CudaBackend::do_conv2d_scratch(const Shape& x, const Shape& w, const Window& window) const {
  const ConvSizes s = conv_sizes("conv2d_scratch", x, w, window);
  return is_direct(s) ? 0 : implicit_gemm_scratch(s);
}

void CudaBackend::do_conv2d_forward(Out y, In x, In w, In b, const Window& window, Out /*scratch*/) {
  const ConvSizes s = conv_sizes("conv2d_forward", x.shape(), w.shape(), window);
  if (!is_direct(s)) return implicit_gemm_forward(stream_, y, x, w, b, s);
  if (y.elements() == 0) return;
  launch(stream_, conv2d_forward_kernel, blocks_for(y.elements(), kConvThreads), dim3(kConvThreads), 0,
         y.data(), x.data(), w.data(), b.data(), static_cast<int>(y.elements()), s);
}

void CudaBackend::do_conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window,
                                     Out scratch) {
  const ConvSizes s = conv_sizes("conv2d_backward", x.shape(), w.shape(), window);
  if (!is_direct(s)) return implicit_gemm_backward(stream_, dx, dw, db, dy, x, w, s, scratch);
  if (s.O > 0)
    launch(stream_, conv2d_dw_kernel, blocks_for(w.elements() + s.O, kConvThreads), dim3(kConvThreads), 0,
           dw.data(), db.data(), dy.data(), x.data(), static_cast<int>(w.elements()), s);
  if (dx && dx.elements() > 0)
    launch(stream_, conv2d_dx_kernel, blocks_for(dx.elements(), kConvThreads), dim3(kConvThreads), 0,
           dx.data(), dy.data(), w.data(), static_cast<int>(dx.elements()), s);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
