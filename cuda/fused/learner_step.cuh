// FusedLearner: whole steps: the batch's pieces, clipping, the guard, the statistics.
#pragma once

#include <limits>

#include <math.h>  // sqrt on host and device

#include "cuda/fused/learner.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::learn() {
  Index step = 0;
  int first = 0;           // of the piece that comes next
  double loss = 0, q = 0;  // of this thread's samples
  for (;;) {
    const bool comes = step < work_.steps;
    const bool finishes = step > 0 && first == 0;
    const Fetched coming = comes ? fetch_batch(step, first) : Fetched{};  // while the last step is finished
    if (finishes) finish(step - 1);
    if (comes) store_batch(coming, step, first);
    __syncthreads();  // parameters and piece are there
    if (finishes) look_back(step - 1);
    if (!comes) return;
    if (first == 0) loss = q = 0;
    learn_from(step, first, loss, q);
    first += layout_.rows;
    if (first < layout_.batch) continue;
    first = 0;
    ++step;
  }
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::finish(Index step) {
  double total = 0, q = 0, squares = 0;
  for (int warp = 0; warp < (layout_.rows + kWarp - 1) / kWarp; ++warp) {
    total += sums_.loss[warp];
    q += sums_.q[warp];
  }
  for (int warp = 0; warp < kFusedWarps; ++warp) squares += sums_.squares[warp];
  const float loss = static_cast<float>(total / layout_.batch);
  const float norm = static_cast<float>(sqrt(squares));
  // A sum of squares of floats does not overflow a double: it is finite when all of them are.
  const bool finite = isfinite(squares);
  if (!held_ || !work_.hold_for_good) {
    if (thread_ == 0) work_.guard[kPlace] = finite ? 0 : first_bad_place();
    held_ = overflowed_ || !finite || !isfinite(loss);
    skipped_ += held_;
  }
  factor_ = 1.0F;
  if (work_.dqn.max_grad_norm > 0) {
    const float factor = float(work_.dqn.max_grad_norm) / (norm + 1e-6F);
    if (factor < 1) factor_ = factor;
  }
  const bool sync = work_.target_tau != 0 && step + 1 == work_.steps;
  if (!held_ || sync) update_parameters(sync);
  if (thread_ == 0) tell(loss, norm, q);
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::look_back(Index step) {
  overflowed_ = sums_.overflowed != 0 || overflowed_;
  if (thread_ == 0 && (held_ || overflowed_)) report(step, *work_.loss);
}

template <bool target_shared>
__device__ int FusedLearner<target_shared>::first_bad_place() const {
  int first = std::numeric_limits<int>::max();
  for (int t = 0; t < layout_.tensors; ++t) {
    const FusedTensor& tensor = layout_.tensor[t];
    for (int row = 0; row < tensor.rows; ++row)
      for (int column = 0; column < tensor.columns; ++column)
        if (!isfinite(gradient_[tensor.place + row * tensor.stride + column]))
          first = min(first, tensor.arena + row * tensor.columns + column + 1);
  }
  return first;
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::tell(float loss, float norm, double q) const {
  *work_.loss = loss;
  if (work_.dqn.max_grad_norm > 0) *work_.norm = norm;
  if (held_) return;
  work_.sums[0] += static_cast<double>(loss);
  if (work_.dqn.max_grad_norm > 0) work_.sums[1] += static_cast<double>(norm);
  work_.sums[2] += q / layout_.batch;
  work_.sums[3] += 1;
}

template <bool target_shared>
__device__ void FusedLearner<target_shared>::report(Index step, float loss) const {
  if (work_.report[kNumber] != 0) return;
  int worst = 0;
  for (int n = 1; n < layout_.batch && !isnan(work_.td_error[worst]); ++n)
    if (!(fabsf(work_.td_error[n]) <= fabsf(work_.td_error[worst]))) worst = n;
  const std::int32_t slot = work_.slot[step * layout_.batch + worst];
  work_.report[kNumber] = static_cast<double>(work_.name.number + static_cast<std::uint64_t>(step));
  work_.report[kTimestep] = static_cast<double>(work_.name.timestep);
  work_.report[kLoss] = static_cast<double>(loss);
  work_.report[kSample] = worst;
  work_.report[kSlot] = slot;
  work_.report[kTdError] = static_cast<double>(work_.td_error[worst]);
  work_.report[kReward] = static_cast<double>(work_.replay.reward[slot]);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
