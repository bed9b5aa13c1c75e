// The loss of classification (core/reference), per row of logits z, with
// S = sum_j exp(z[j]):
//   loss = 1/B sum_n (log S - z[label])      dz[k] = 1/B (exp(z[k]) / S - [k = label])
// The row's largest logit is subtracted from all first, so that no exp overflows.
//
// A warp computes a row and stores its loss; then one block adds the losses in double, in one order.

#include <cmath>
#include <limits>

#include "cuda/backend/cuda_backend.h"
#include "cuda/base/integers.h"
#include "cuda/base/reduce.cuh"
#include "cuda/base/rows.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

/// dlogits(B,O), row_loss(B), logits(B,O), label(B). A label out of range makes its row of dlogits, and the
/// loss, NaN.
__global__ void __launch_bounds__(kRowThreads)
    softmax_cross_entropy_kernel(float* dlogits, double* row_loss, const float* logits,
                                 const std::int32_t* label, Index B, int O) {
  const Index n = row_of_warp();
  if (n >= B) return;
  const int lane = lane_of_thread();
  const float* const z = logits + n * O;

  float largest = -std::numeric_limits<float>::infinity();
  for (int k = lane; k < O; k += kWarp) largest = Largest{}(largest, z[k]);
  largest = warp_reduce(largest, Largest{});
  float sum = 0;
  for (int k = lane; k < O; k += kWarp) sum += expf(z[k] - largest);
  sum = warp_reduce(sum, Sum{});

  const std::int32_t right = label[n];
  const bool exists = right >= 0 && right < O;
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (int k = lane; k < O; k += kWarp) {
    const float p = expf(z[k] - largest) / sum;
    dlogits[n * O + k] = exists ? (p - (k == right ? 1.0F : 0.0F)) / static_cast<float>(B) : kNan;
  }
  if (lane == 0) row_loss[n] = static_cast<double>(exists ? logf(sum) - (z[right] - largest) : kNan);
}

constexpr unsigned kMeanThreads = 512;

/// loss(1) = the mean of row_loss(B). One block.
__global__ void __launch_bounds__(kMeanThreads)
    mean_loss_kernel(float* loss, const double* row_loss, Index B) {
  BELLMAN_SHARED(double, warps, [kWarp]);
  const double total = block_sum_of(row_loss, B, warps);
  if (threadIdx.x == 0) *loss = static_cast<float>(total / static_cast<double>(B));
}

}  // namespace

void CudaBackend::do_softmax_cross_entropy(Out dlogits, Out loss, In logits, ConstIntTensor label) {
  const Index B = logits[0];
  auto* const row_loss = scratch<double>(stream_, B);
  const WarpPerRow size(B);
  launch(stream_, softmax_cross_entropy_kernel, size.grid, size.block, 0, dlogits.data(), row_loss,
         logits.data(), label.data(), B,
         checked_int("softmax_cross_entropy", "the number of labels", logits[1]));
  launch(stream_, mean_loss_kernel, dim3(1), dim3(block_for(B, kMeanThreads)), 0, loss.data(), row_loss, B);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
