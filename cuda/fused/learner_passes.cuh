// FusedLearner: forward and backward through a piece of the batch.
#pragma once

#include <limits>

#include <math.h>  // pow and sqrt on host and device

#include "cuda/fused/learner.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::learn_from(Index step, int first, double& loss,
                                                                        double& q) {
  const int rows = rows_from(first);
  const bool last_piece = first + layout_.rows >= layout_.batch;
  for (int l = 0; l < layout_.layers; ++l) {
    run_forward(layout_.layer[l], rows);
    __syncthreads();  // the layer's output is there
  }
  find_errors(first, loss, q);
  if (last_piece) tell_losses(loss, q);
  if (thread_ == kFusedThreads - 1) tell_corrections(step);
  __syncthreads();     // dL/dx_L is there
  double squares = 0;  // of this thread's gradients, which are whole with the last piece
  for (int l = layout_.layers - 1; l >= 0; --l) {
    run_backward(layout_.layer[l], l, rows, first > 0, squares);
    if (l == 0 && last_piece) tell_squares(squares);
    __syncthreads();  // dy_(l-1) is there, and in the end the gradient
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
  Turns turns;
#pragma unroll 1  // the product's code is there once, for all passes
  for (int pass = 0; pass < (chooses_apart() ? 3 : 2); ++pass) {
    const bool judges = pass == 1 && work_.dqn.target_network;
    const int out = pass == 0 ? layout_.s : pass == 1 ? layout_.next : layout_.next_online;
    const int in = pass == 2 && layer.in_x == 0 ? layout_.next : out;
    run_product(
        forward_product(layer, in, out, judges ? target_numbers() : online_, rows, layer.forward_split),
        turns);
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
  const float* const chooser = shared_ + (chooses_apart() ? layout_.next_online : layout_.next) + row;
  const int best = QRow(chooser, layout_).best(A);
  const QRow q(shared_ + layout_.s + row, layout_), judge(dy, layout_);
  const float y = sample_.reward + sample_.discount * judge[best];
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
__device__ __forceinline__ void FusedLearner<target_shared>::tell_losses(double loss, double q) {
  if (thread_ / kWarp * kWarp >= layout_.rows) return;  // the warp has no samples
  loss = warp_reduce(loss, Sum{});
  q = warp_reduce(q, Sum{});
  if (thread_ % kWarp != 0) return;
  sums_.loss[thread_ / kWarp] = loss;
  sums_.q[thread_ / kWarp] = q;
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::tell_corrections(Index step) {
  const auto number = static_cast<double>(work_.first_step + step - skipped_);
  const double correction1 = 1 - pow(work_.adam.beta1_double, number);
  const double correction2 = 1 - pow(work_.adam.beta2_double, number);
  sums_.step_size = static_cast<float>(work_.adam.learning_rate / correction1);
  sums_.inverse_root_correction2 = static_cast<float>(1 / sqrt(correction2));
}

template <bool target_shared>
__device__ __forceinline__ void FusedLearner<target_shared>::tell_squares(double squares) {
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
  Turns turns;
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
                turns);
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
              turns);
  bias_gradient(gradient_ + layer.bias, dy, rows, layer.outputs, layer.out_stride, accumulate, squares);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
