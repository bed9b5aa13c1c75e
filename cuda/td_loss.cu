// The loss of Q-learning (core/reference/td_loss.h): d[n] = y[n] - q[n,a[n]], loss = 1/B sum_n weight[n]
// l(d[n]), and
//   dq[n,a] = -1/B weight[n] l'(d[n]) for the action that was taken, 0 for the others.
//
// One block for the whole batch, so that the sum over it, in double, has one order and needs no second
// launch: a batch has tens to thousands of rows of a few numbers.

#include <limits>

#include "cuda/checked_int.h"
#include "cuda/error_loss.cuh"
#include "cuda/ops.h"
#include "cuda/reduce.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

constexpr unsigned kLossThreads = 1024;

/// dq(B,A), td_error(B), loss(1), q(B,A), action(B), y(B), weight(B). One block. An action that is none
/// cannot be reported from here: its row of dq, its TD error and so the loss become NaN.
__global__ void __launch_bounds__(kLossThreads)
    td_loss_kernel(float* dq, float* td_error, float* loss, const float* q, const std::int32_t* action,
                   const float* y, const float* weight, Index B, int A, ErrorLoss error_loss) {
  BELLMAN_SHARED(double, warps, [kWarp]);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  double total = 0;
  for (Index n = threadIdx.x; n < B; n += blockDim.x) {
    const std::int32_t taken = action[n];
    const bool exists = taken >= 0 && taken < A;
    const float d = exists ? y[n] - q[n * A + taken] : kNan;
    const float slope = -weight[n] * error_loss.slope(d) / static_cast<float>(B);
    for (int a = 0; a < A; ++a) dq[n * A + a] = !exists ? kNan : a == taken ? slope : 0.0F;
    td_error[n] = d;
    total += static_cast<double>(weight[n] * error_loss.of(d));
  }
  total = block_reduce(total, warps, Sum{});
  if (threadIdx.x == 0) *loss = static_cast<float>(total / static_cast<double>(B));
}

}  // namespace

void td_loss(Stream& stream, Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y, In weight,
             LossKind kind, float delta) {
  const Index B = q[0];
  launch(stream, td_loss_kernel, dim3(1), dim3(block_for(B, kLossThreads)), 0, dq.data(), td_error.data(),
         loss.data(), q.data(), action.data(), y.data(), weight.data(), B,
         checked_int("td_loss", "the number of actions", q[1]), ErrorLoss{kind, delta});
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
