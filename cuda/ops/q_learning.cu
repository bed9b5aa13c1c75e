// The ops of Q-learning beside its layers (core/reference).

#include <limits>

#include "cuda/backend/cuda_backend.h"
#include "cuda/base/integers.h"
#include "cuda/base/reduce.cuh"
#include "cuda/base/rows.cuh"
#include "cuda/ops/q_values.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

// The dueling head (Wang et al. 2016, eq. 9), a thread a row: q = v + a - mean of a. Backwards (derived in
// core/reference/layers.h): dv = sum of dq, da = dq - mean of dq.

namespace {

__device__ float sum_of(const float* row, int A) {
  float sum = 0;
  for (int k = 0; k < A; ++k) sum += row[k];
  return sum;
}

/// q(B,A), v(B,1), a(B,A).
__global__ void __launch_bounds__(kRowThreads)
    dueling_forward_kernel(float* q, const float* v, const float* a, Index B, int A) {
  const Index n = row_of_thread();
  if (n >= B) return;
  const float mean = sum_of(a + n * A, A) / static_cast<float>(A);
  for (int k = 0; k < A; ++k) q[n * A + k] = v[n] + a[n * A + k] - mean;
}

__global__ void __launch_bounds__(kRowThreads)
    dueling_backward_kernel(float* dv, float* da, const float* dq, Index B, int A) {
  const Index n = row_of_thread();
  if (n >= B) return;
  const float sum = sum_of(dq + n * A, A);
  dv[n] = sum;
  for (int k = 0; k < A; ++k) da[n * A + k] = dq[n * A + k] - sum / static_cast<float>(A);
}

}  // namespace

void CudaBackend::do_dueling_forward(Out q, In v, In a) {
  if (a[0] == 0) return;
  const ThreadPerRow size(a[0]);
  launch(stream_, dueling_forward_kernel, size.grid, size.block, 0, q.data(), v.data(), a.data(), a[0],
         checked_int("dueling_forward", "the number of actions", a[1]));
}

void CudaBackend::do_dueling_backward(Out dv, Out da, In dq) {
  if (dq[0] == 0) return;
  const ThreadPerRow size(dq[0]);
  launch(stream_, dueling_backward_kernel, size.grid, size.block, 0, dv.data(), da.data(), dq.data(), dq[0],
         checked_int("dueling_backward", "the number of actions", dq[1]));
}

// The greedy action: a thread a row.

namespace {

__global__ void __launch_bounds__(kRowThreads)
    argmax_kernel(std::int32_t* action, const float* q, Index B, int A) {
  const Index n = row_of_thread();
  if (n < B) action[n] = argmax_of_row(q, n, A);
}

}  // namespace

void CudaBackend::do_argmax(IntTensor action, In q) {
  if (q[0] == 0) return;
  const ThreadPerRow size(q[0]);
  launch(stream_, argmax_kernel, size.grid, size.block, 0, action.data(), q.data(), q[0],
         checked_int("argmax", "the number of actions", q[1]));
}

// Actions for a round of environments, a thread each: with probability epsilon a random one, otherwise the
// greedy one. The random numbers are the host's (core/ops/replay_ops.h).

namespace {

__global__ void __launch_bounds__(kRowThreads)
    epsilon_greedy_kernel(std::int32_t* action, const float* q, Index B, int A, EpsilonGreedy options) {
  const Index n = row_of_thread();
  if (n >= B) return;
  const std::uint32_t env = options.first_env + static_cast<std::uint32_t>(n);
  const std::int32_t explored = exploratory_action(options, env, static_cast<std::uint32_t>(A));
  action[n] = explored >= 0 ? explored : argmax_of_row(q, n, A);
}

}  // namespace

void CudaBackend::do_epsilon_greedy(IntTensor action, In q, const EpsilonGreedy& options) {
  if (q[0] == 0) return;
  const ThreadPerRow size(q[0]);
  launch(stream_, epsilon_greedy_kernel, size.grid, size.block, 0, action.data(), q.data(), q[0],
         checked_int("epsilon_greedy", "the number of actions", q[1]), options);
}

// The target of temporal-difference learning, a thread a row:
//   y = reward + discount (1 - terminated) q_target[a*]
// where a* is the arg max of q_online (Double DQN: van Hasselt et al. 2016, eq. 4) or, without it, of
// q_target itself (Mnih et al. 2015, algorithm 1).

namespace {

/// `chooser`: q_online, or q_target. All (B,A), the rest (B).
__global__ void __launch_bounds__(kRowThreads)
    td_target_kernel(float* y, const float* q_target, const float* chooser, const float* reward,
                     const float* discount, const float* terminated, Index B, int A) {
  const Index n = row_of_thread();
  if (n >= B) return;
  const std::int32_t best = argmax_of_row(chooser, n, A);
  y[n] = reward[n] + discount[n] * (1 - terminated[n]) * q_target[n * A + best];
}

/// tau log sum_a exp(q_a / tau) of a row, its largest number taken out first.
__device__ float soft_value_of_row(const float* q, Index n, int A, float tau) {
  const float* const row = q + n * A;
  const float largest = row[argmax_of_row(q, n, A)];
  float sum = 0;
  for (int a = 0; a < A; ++a) sum += expf((row[a] - largest) / tau);
  return largest + tau * logf(sum);
}

struct Munchausen {
  float alpha, temperature, clip;
};

/// Munchausen DQN (derived in core/reference). q_next, q_now (B,A), the rest (B). An action out of range
/// makes its target NaN.
__global__ void __launch_bounds__(kRowThreads)
    munchausen_target_kernel(float* y, const float* q_next, const float* q_now, const std::int32_t* action,
                             const float* reward, const float* discount, const float* terminated, Index B,
                             int A, Munchausen m) {
  const Index n = row_of_thread();
  if (n >= B) return;
  const std::int32_t taken = action[n];
  const bool exists = taken >= 0 && taken < A;
  const float q_taken = exists ? q_now[n * A + taken] : std::numeric_limits<float>::quiet_NaN();
  const float tau_log_pi = q_taken - soft_value_of_row(q_now, n, A, m.temperature);
  const float clipped = tau_log_pi < m.clip ? m.clip : tau_log_pi > 0 ? 0 : tau_log_pi;  // a NaN stays one
  const float next = soft_value_of_row(q_next, n, A, m.temperature);
  y[n] = reward[n] + m.alpha * clipped + discount[n] * (1 - terminated[n]) * next;
}

}  // namespace

void CudaBackend::do_td_target(Out y, const TdTargetInputs<float>& in) {
  const Index B = in.q_target[0];
  if (B == 0) return;
  const ThreadPerRow size(B);
  if (in.q_now) {
    launch(stream_, munchausen_target_kernel, size.grid, size.block, 0, y.data(), in.q_target.data(),
           in.q_now.data(), in.action.data(), in.reward.data(), in.discount.data(), in.terminated.data(), B,
           checked_int("td_target", "the number of actions", in.q_target[1]),
           Munchausen{float(in.alpha), float(in.temperature), float(in.clip)});
    return;
  }
  launch(stream_, td_target_kernel, size.grid, size.block, 0, y.data(), in.q_target.data(),
         in.q_online ? in.q_online.data() : in.q_target.data(), in.reward.data(), in.discount.data(),
         in.terminated.data(), B, checked_int("td_target", "the number of actions", in.q_target[1]));
}

// The loss of Q-learning (core/reference/losses.h):
//   d[n] = y[n] - q[n,a[n]]      loss = 1/B sum_n weight[n] l(d[n])
//   dq[n,a] = -1/B weight[n] l'(d[n]) for the action that was taken, 0 for the others
//
// One block for the whole batch, so that the sum over it, in double, has one order and needs no second
// launch: a batch has tens to thousands of rows of a few numbers.

namespace {

constexpr unsigned kLossThreads = 1024;

/// dq(B,A), td_error(B), loss(1), q(B,A), action(B), y(B), weight(B). One block. An action out of range makes
/// its row of dq, its TD error and so the loss NaN.
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

void CudaBackend::do_td_loss(Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y, In weight,
                             LossKind kind, float delta) {
  const Index B = q[0];
  launch(stream_, td_loss_kernel, dim3(1), dim3(block_for(B, kLossThreads)), 0, dq.data(), td_error.data(),
         loss.data(), q.data(), action.data(), y.data(), weight.data(), B,
         checked_int("td_loss", "the number of actions", q[1]), ErrorLoss{kind, delta});
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
