// FusedLearner: whole steps: the passes over the batch's pieces, clipping, the guard, the statistics.
#pragma once

#include <limits>

#include <math.h>  // pow and sqrt on host and device

#include "cuda/fused/learner.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

// ---- forward and backward through a piece of the batch

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::learn_from(Index step, int first, double& loss,
                                                                        double& q) {
  const int rows = rows_from(first);
  const bool last_piece = first + layout_.rows >= layout_.batch;
  for (int l = 0; l < layout_.layers; ++l) {
    run_forward(layout_.layer[l], rows);
    __syncthreads();  // the layer's output is complete
  }
  find_errors(first, loss, q);
  if (last_piece) store_losses(loss, q);
  if (thread_ == kFusedThreads - 1) store_corrections(step);
  __syncthreads();     // dL/dx_L is complete
  double squares = 0;  // of this thread's gradients, which are complete with the last piece
  for (int l = layout_.layers - 1; l >= 0; --l) {
    run_backward(layout_.layer[l], l, rows, first > 0, squares);
    if (l == 0 && last_piece) store_squares(squares);
    __syncthreads();  // dy_(l-1) is complete, and after the first layer the gradient
  }
}

template <bool target_shared>
__device__ __forceinline__ ForwardProduct
FusedLearner<target_shared>::forward_product(const FusedLayer& layer, int in_samples, int out_samples,
                                             const float* parameters, int rows, int split) const {
  return {.y = shared_ + out_samples + layer.x,
          .x = shared_ + in_samples + layer.in_x,
          .w = parameters + layer.weight,
          .b = parameters + layer.bias,
          .rows = rows,
          .outputs = layer.outputs,
          .inputs = layer.inputs,
          .y_stride = layer.out_stride,
          .x_stride = layer.in_stride,
          .split_log2 = split,
          .activation = layer.after};
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::run_forward(const FusedLayer& layer, int rows) {
  TileAssignment assignment;
#pragma unroll 1  // the product's code is here once, for all passes
  for (int pass = 0; pass < (online_chooses() ? 3 : 2); ++pass) {
    const bool target = pass == 1 && work_.dqn.target_network;
    const int out = pass == 0 ? layout_.s : pass == 1 ? layout_.next : layout_.next_online;
    const int in = pass == 2 && layer.in_x == 0 ? layout_.next : out;
    run_product(
        forward_product(layer, in, out, target ? target_numbers() : online_, rows, layer.forward_split),
        assignment);
  }
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::find_errors(int first, double& loss,
                                                                         double& mean_q) {
  const FusedLayer& head = layout_.layer[layout_.layers - 1];
  if (thread_ >= rows_from(first)) return;
  const int row = head.x + thread_ * head.out_stride;
  float* const dy = shared_ + layout_.next + row;
  if (thread_ >= samples_from(first)) {
    for (int k = 0; k < head.outputs; ++k) dy[k] = 0.0F;
    return;
  }
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const int A = layout_.actions;
  const float* const chooser = shared_ + (online_chooses() ? layout_.next_online : layout_.next) + row;
  const bool dueling = layout_.dueling;
  const int best = argmax(QRow(chooser, A, dueling), A);
  const QRow q(shared_ + layout_.s + row, A, dueling), next_q(dy, A, dueling);
  const float y = sample_.reward + sample_.discount * next_q[best];
  const bool exists = sample_.action >= 0 && sample_.action < A;
  const float d = exists ? y - q[sample_.action] : kNan;
  const float slope =
      exists ? -sample_.weight * work_.error_loss.slope(d) / static_cast<float>(layout_.batch) : kNan;
  // dq is zero but for the action taken. Dueling: dv = sum of dq, da = dq - mean of dq.
  const float mean = layout_.dueling ? slope / static_cast<float>(A) : 0.0F;
  float* const da = layout_.dueling ? dy + 4 : dy;
  if (layout_.dueling) dy[0] = slope;
  for (int k = 0; k < A; ++k) da[k] = (k == sample_.action || !exists ? slope : 0.0F) - mean;
  work_.td_error[first + thread_] = d;
  loss += static_cast<double>(sample_.weight * work_.error_loss.of(d));
  mean_q += static_cast<double>(y) - static_cast<double>(d);
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::store_losses(double loss, double q) {
  if (thread_ / kWarp * kWarp >= layout_.rows) return;  // the warp has no samples
  loss = warp_reduce(loss, Sum{});
  q = warp_reduce(q, Sum{});
  if (thread_ % kWarp != 0) return;
  sums_.loss[thread_ / kWarp] = loss;
  sums_.q[thread_ / kWarp] = q;
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::store_corrections(Index step) {
  const auto number = static_cast<double>(work_.first_step + step - skipped_);
  const double correction1 = 1 - pow(work_.adam.beta1_double, number);
  const double correction2 = 1 - pow(work_.adam.beta2_double, number);
  sums_.step_size = static_cast<float>(work_.adam.learning_rate / correction1);
  sums_.inverse_root_correction2 = static_cast<float>(1 / sqrt(correction2));
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::store_squares(double squares) {
  squares = warp_reduce(squares, Sum{});
  if (thread_ % kWarp == 0) sums_.squares[thread_ / kWarp] = squares;
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::run_backward(const FusedLayer& layer, int l,
                                                                          int rows, bool accumulate,
                                                                          double& squares) {
  const float* const dy = shared_ + layout_.next + layer.x;
  const float* const x = shared_ + layout_.s + layer.in_x;
  const bool head = l == layout_.layers - 1;
  TileAssignment assignment;
  if (l > 0)
    run_product(InputGradientProduct{.dx = shared_ + layout_.next + layer.in_x,
                                     .dy = dy,
                                     .w = online_ + layer.weight,
                                     .x = x,
                                     .rows = rows,
                                     .outputs = layer.outputs,
                                     .inputs = layer.inputs,
                                     .dy_stride = layer.out_stride,
                                     .x_stride = layer.in_stride,
                                     .split_log2 = layer.dx_split,
                                     .before = layer.before},
                assignment);
  run_product(WeightGradientProduct{.dw = gradient_ + layer.weight,
                                    .dy = dy,
                                    .x = x,
                                    .rows = rows,
                                    .outputs = layer.outputs,
                                    .inputs = layer.inputs,
                                    .dy_stride = layer.out_stride,
                                    .x_stride = layer.in_stride,
                                    .split_log2 = layer.dw_split,
                                    .value_columns = head ? layout_.value_columns : 0,
                                    .accumulate = accumulate,
                                    .squares = squares},
              assignment);
  bias_gradient(gradient_ + layer.bias, dy, rows, layer.outputs, layer.out_stride, accumulate, squares);
}

// ---- the step

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::learn() {
  Index step = 0;
  int first = 0;           // of the next piece
  double loss = 0, q = 0;  // of this thread's samples
  for (;;) {
    const bool more = step < work_.steps;
    const bool finishes = step > 0 && first == 0;
    const Fetched fetched =
        more ? fetch_batch(step, first) : Fetched{};  // arrives while the last step is finished
    if (finishes) finish(step - 1);
    if (more) store_batch(fetched, step, first);
    __syncthreads();  // parameters and piece are complete
    if (finishes) check_step(step - 1);
    if (!more) return;
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
  if (!skip_ || !work_.skip_for_good) {
    if (thread_ == 0) work_.guard[kPlace] = finite ? 0 : first_bad_place();
    skip_ = overflowed_ || !finite || !isfinite(loss);
    skipped_ += skip_;
  }
  factor_ = 1.0F;
  if (work_.dqn.max_grad_norm > 0) {
    const float factor = float(work_.dqn.max_grad_norm) / (norm + 1e-6F);
    if (factor < 1) factor_ = factor;
  }
  const bool sync = work_.target_tau != 0 && step + 1 == work_.steps;
  if (!skip_ || sync) update_parameters(sync);
  if (thread_ == 0) add_statistics(loss, norm, q);
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::check_step(Index step) {
  overflowed_ = sums_.overflowed != 0 || overflowed_;
  if (thread_ == 0 && (skip_ || overflowed_)) report(step, *work_.loss);
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
__device__ __forceinline__ void FusedLearner<target_shared>::add_statistics(float loss, float norm,
                                                                            double q) const {
  *work_.loss = loss;
  if (work_.dqn.max_grad_norm > 0) *work_.norm = norm;
  if (skip_) return;
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
