// What a learn step reports: its statistics, and the first step that failed (core/ops/replay_ops.h).

#include "core/ops/op_options.h"
#include "cuda/backend/cuda_backend.h"
#include "cuda/base/reduce.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

// The statistics of a learn step, summed in double on the device (core/ops/replay_ops.h):
//   sums(4) += loss, norm, mean Q-value of the actions taken, 1
// A skipped step adds nothing. As td_error = y - q, the Q-value is q = y - td_error.

namespace {

constexpr unsigned kStatsThreads = 512;

/// sums(4), loss(1), norm(1) or null, y(B), td_error(B), guard or null. One block, for one order of the sum.
__global__ void __launch_bounds__(kStatsThreads)
    add_learn_stats_kernel(double* sums, const float* loss, const float* norm, const float* y,
                           const float* td_error, const std::int32_t* guard, Index B) {
  if (guard && guard[kHeld] != 0) return;
  BELLMAN_SHARED(double, warps, [kWarp]);
  double sum_q = 0;
  for (Index n = threadIdx.x; n < B; n += blockDim.x)
    sum_q += static_cast<double>(y[n]) - static_cast<double>(td_error[n]);
  sum_q = block_reduce(sum_q, warps, Sum{});
  if (threadIdx.x != 0) return;
  sums[0] += static_cast<double>(*loss);
  if (norm) sums[1] += static_cast<double>(*norm);
  sums[2] += sum_q / static_cast<double>(B);
  sums[3] += 1;
}

}  // namespace

void CudaBackend::do_add_learn_stats(DoubleTensor sums, In loss, In norm, In y, In td_error,
                                     ConstIntTensor guard) {
  launch(stream_, add_learn_stats_kernel, dim3(1), dim3(block_for(y[0], kStatsThreads)), 0, sums.data(),
         loss.data(), norm.data(), y.data(), td_error.data(), guard.data(), y[0]);
}

// The report on the first learn step that failed (core/ops/replay_ops.h). It is kept until the host reads it,
// when the batch has long been replaced. Nearly always there is nothing to report, and the kernel ends after
// reading two words.

namespace {

/// report(kReportWords), guard(kGuardWords), loss(1), slot(B), td_error(B), reward(B). One warp finds the
/// largest error, then the first sample that has it.
__global__ void __launch_bounds__(kWarp)
    report_step_kernel(double* report, const std::int32_t* guard, StepId step, const float* loss,
                       const std::int32_t* slot, const float* td_error, const float* reward, Index B) {
  int wanted = 0;
  if (threadIdx.x == 0) wanted = (guard[kHeld] != 0 || guard[kOverflowed] != 0) && report[kNumber] == 0;
  if (__shfl_sync(kAllLanes, wanted, 0) == 0) return;
  // The bits of positive floats rise with their values, and a NaN's are above infinity's: compared as
  // integers.
  const auto size = [=](Index n) {
    return isnan(td_error[n]) ? 0x7fffffff : __float_as_int(fabsf(td_error[n]));
  };
  int largest = -1;
  for (Index n = threadIdx.x; n < B; n += kWarp) largest = max(largest, size(n));
  largest = warp_reduce(largest, Largest{});
  int first = 0x7fffffff;
  for (Index n = threadIdx.x; n < B; n += kWarp)
    if (size(n) == largest) first = min(first, static_cast<int>(n));
  first = warp_reduce(first, Least{});
  if (threadIdx.x != 0) return;
  report[kNumber] = static_cast<double>(step.number);
  report[kTimestep] = static_cast<double>(step.timestep);
  report[kLoss] = static_cast<double>(*loss);
  report[kSample] = first;
  report[kSlot] = slot[first];
  report[kTdError] = static_cast<double>(td_error[first]);
  report[kReward] = static_cast<double>(reward[first]);
}

}  // namespace

void CudaBackend::do_report_step(DoubleTensor report, ConstIntTensor guard, const StepId& step, In loss,
                                 ConstIntTensor slot, In td_error, In reward) {
  launch(stream_, report_step_kernel, dim3(1), dim3(kWarp), 0, report.data(), guard.data(), step, loss.data(),
         slot.data(), td_error.data(), reward.data(), slot[0]);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
