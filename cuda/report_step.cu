// The report on the first learn step that went wrong (core/replay_ops.h), kept until somebody asks: by then
// the batch is another one. Nearly always nothing is to be done, and the kernel ends after reading two words.

#include "core/step_guard.h"
#include "cuda/ops.h"
#include "cuda/reduce.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

/// report(kReportWords), guard(kGuardWords), loss(1), slot(B), td_error(B), reward(B). One warp: its lanes
/// find the largest error of their share, and the first lane that sample of theirs which comes first.
__global__ void __launch_bounds__(kWarp)
    report_step_kernel(double* report, const std::int32_t* guard, LearnStepName step, const float* loss,
                       const std::int32_t* slot, const float* td_error, const float* reward, Index B) {
  int wanted = 0;
  if (threadIdx.x == 0) wanted = (guard[kHeld] != 0 || guard[kOverflowed] != 0) && report[kNumber] == 0;
  if (__shfl_sync(kAllLanes, wanted, 0) == 0) return;
  // A NaN's bits are above infinity's, and those of positive numbers rise with them: integers compare the
  // sizes.
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

void report_step(Stream& stream, DoubleTensor report, ConstIntTensor guard, const LearnStepName& step,
                 In loss, ConstIntTensor slot, In td_error, In reward) {
  launch(stream, report_step_kernel, dim3(1), dim3(kWarp), 0, report.data(), guard.data(), step, loss.data(),
         slot.data(), td_error.data(), reward.data(), slot[0]);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
