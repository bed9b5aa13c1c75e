// Layer normalisation (Ba, Kiros & Hinton 2016, eq. 3 and 4), per row of x(B,I):
//   xhat = (x - mean) rstd,   rstd = 1 / sqrt(variance + epsilon),   y = gamma xhat + beta
// and backwards, with g = dy gamma (derived in core/reference):
//   dx = rstd (g - mean of g - xhat mean of (g xhat))      dgamma = sum_n dy xhat      dbeta = sum_n dy
//
// A warp computes a row in three passes. Only the first waits for memory. dgamma and dbeta are sums over
// columns. A block has 32 columns, and its threads share the rows. Their sums are added from the first
// thread's to the last one's.

#include <algorithm>
#include <cmath>

#include "cuda/backend/cuda_backend.h"
#include "cuda/base/reduce.cuh"
#include "cuda/base/rows.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

/// y(B,I), mean(B), rstd(B), x(B,I), gamma(I), beta(I).
__global__ void __launch_bounds__(kRowThreads)
    layer_norm_forward_kernel(float* y, float* mean, float* rstd, const float* x, const float* gamma,
                              const float* beta, Index B, Index I, float epsilon) {
  const Index n = row_of_warp();
  if (n >= B) return;
  const int lane = lane_of_thread();
  const float* const row = x + n * I;

  float sum = 0;
  for (Index i = lane; i < I; i += kWarp) sum += row[i];
  const float m = warp_reduce(sum, Sum{}) / static_cast<float>(I);

  // In a second pass: E[x^2] - E[x]^2 in one pass would lose all digits where the mean is large.
  float squares = 0;
  for (Index i = lane; i < I; i += kWarp) squares += (row[i] - m) * (row[i] - m);
  const float r = 1 / sqrtf(warp_reduce(squares, Sum{}) / static_cast<float>(I) + epsilon);

  for (Index i = lane; i < I; i += kWarp) y[n * I + i] = gamma[i] * (row[i] - m) * r + beta[i];
  if (lane == 0) {
    mean[n] = m;
    rstd[n] = r;
  }
}

/// dx(B,I), dy(B,I), x(B,I), gamma(I), mean(B), rstd(B).
__global__ void __launch_bounds__(kRowThreads)
    layer_norm_dx_kernel(float* dx, const float* dy, const float* x, const float* gamma, const float* mean,
                         const float* rstd, Index B, Index I) {
  const Index n = row_of_warp();
  if (n >= B) return;
  const int lane = lane_of_thread();
  const float m = mean[n], r = rstd[n];

  float sum_g = 0, sum_g_xhat = 0;
  for (Index i = lane; i < I; i += kWarp) {
    const float g = dy[n * I + i] * gamma[i];
    sum_g += g;
    sum_g_xhat += g * ((x[n * I + i] - m) * r);
  }
  const float mean_g = warp_reduce(sum_g, Sum{}) / static_cast<float>(I);
  const float mean_g_xhat = warp_reduce(sum_g_xhat, Sum{}) / static_cast<float>(I);

  for (Index i = lane; i < I; i += kWarp) {
    const float xhat = (x[n * I + i] - m) * r;
    dx[n * I + i] = r * (dy[n * I + i] * gamma[i] - mean_g - xhat * mean_g_xhat);
  }
}

constexpr int kColumns = 32, kMostShares = 32;  // of a block: columns, and shares of the rows

/// dgamma(I), dbeta(I) accumulated. Thread (c,s) adds up column c over the rows s, s + shares, ...
__global__ void __launch_bounds__(kColumns* kMostShares)
    layer_norm_parameters_kernel(float* dgamma, float* dbeta, const float* dy, const float* x,
                                 const float* mean, const float* rstd, Index B, Index I) {
  BELLMAN_SHARED(float, gamma_sums, [kMostShares][kColumns]);
  BELLMAN_SHARED(float, beta_sums, [kMostShares][kColumns]);
  const unsigned column = threadIdx.x, share = threadIdx.y, shares = blockDim.y;
  const Index i = static_cast<Index>(blockIdx.x) * kColumns + column;
  float sum_gamma = 0, sum_beta = 0;
  if (i < I)
    for (Index n = share; n < B; n += shares) {
      const float d = dy[n * I + i];
      sum_gamma += d * ((x[n * I + i] - mean[n]) * rstd[n]);
      sum_beta += d;
    }
  gamma_sums[share][column] = sum_gamma;
  beta_sums[share][column] = sum_beta;
  __syncthreads();
  if (share != 0 || i >= I) return;
  for (unsigned s = 1; s < shares; ++s) {
    sum_gamma += gamma_sums[s][column];
    sum_beta += beta_sums[s][column];
  }
  dgamma[i] += sum_gamma;
  dbeta[i] += sum_beta;
}

}  // namespace

void CudaBackend::do_layer_norm_forward(Out y, Out mean, Out rstd, In x, In gamma, In beta, float epsilon) {
  const Index B = x[0], I = x[1];
  if (B == 0) return;
  const WarpPerRow size(B);
  launch(stream_, layer_norm_forward_kernel, size.grid, size.block, 0, y.data(), mean.data(), rstd.data(),
         x.data(), gamma.data(), beta.data(), B, I, epsilon);
}

void CudaBackend::do_layer_norm_backward(Out dx, Out dgamma, Out dbeta, In dy, In x, In gamma, In mean,
                                         In rstd) {
  const Index B = x[0], I = x[1];
  if (B == 0) return;
  const auto shares = static_cast<unsigned>(std::min(B, Index{kMostShares}));
  launch(stream_, layer_norm_parameters_kernel, blocks_for(I, kColumns), dim3(kColumns, shares), 0,
         dgamma.data(), dbeta.data(), dy.data(), x.data(), mean.data(), rstd.data(), B, I);
  if (!dx) return;
  const WarpPerRow size(B);
  launch(stream_, layer_norm_dx_kernel, size.grid, size.block, 0, dx.data(), dy.data(), x.data(),
         gamma.data(), mean.data(), rstd.data(), B, I);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
