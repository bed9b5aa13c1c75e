// FusedLearner: whole steps: the batch's pieces, clipping, the guard, what is told.
#pragma once

#include <limits>

#include <math.h>  // sqrt on host and device

#include "cuda/fused/learner.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

template <FusedPlace place>
__device__ __forceinline__ void FusedLearner<place>::learn() {
  store_batch(fetch_batch(0, 0), 0, 0);
  __syncthreads();  // parameters and batch are there
  for (Index step = 0; step < work_.steps; ++step) {
    double loss = 0, q = 0;  // of this thread's samples
    for (int first = 0; first < layout_.batch; first += layout_.rows) {
      if (first > 0) {
        store_batch(fetch_batch(step, first), step, first);
        __syncthreads();  // the next piece of the batch is there
      }
      learn_from(step, first, loss, q);
    }
    finish(step);
  }
}

template <FusedPlace place>
__device__ __forceinline__ void FusedLearner<place>::finish(Index step) {
  const Fetched next = step + 1 < work_.steps ? fetch_batch(step + 1, 0) : Fetched{};
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
  if (work_.max_grad_norm > 0) {
    const float factor = work_.max_grad_norm / (norm + 1e-6F);
    if (factor < 1) factor_ = factor;
  }
  const bool sync = work_.target_tau != 0 && step + 1 == work_.steps;
  if (!held_ || sync) update_parameters(sync);
  if (thread_ == 0) tell(loss, norm, q);
  if (step + 1 < work_.steps) store_batch(next, step + 1, 0);
  __syncthreads();  // the parameters are there, and the next batch
  overflowed_ = sums_.overflowed != 0 || overflowed_;
  if (thread_ == 0 && (held_ || overflowed_)) report(step, loss);
}

template <FusedPlace place>
__device__ int FusedLearner<place>::first_bad_place() const {
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

template <FusedPlace place>
__device__ __forceinline__ void FusedLearner<place>::tell(float loss, float norm, double q) const {
  *work_.loss = loss;
  if (work_.max_grad_norm > 0) *work_.norm = norm;
  if (held_) return;
  work_.sums[0] += static_cast<double>(loss);
  if (work_.max_grad_norm > 0) work_.sums[1] += static_cast<double>(norm);
  work_.sums[2] += q / layout_.batch;
  work_.sums[3] += 1;
}

template <FusedPlace place>
__device__ void FusedLearner<place>::report(Index step, float loss) const {
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
