// One op at one size, as a user writes it: "dense_forward 128x120->84".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/tensor.h"
#include "core/ops/backend.h"

namespace bellman::bench {

/// The ops that can be timed, by the form of their size.
enum class OpFamily { kDense, kConv2d, kMaxPool2d, kElementwise, kLayerNorm, kQLearning, kOptimizer };

struct OpText {
  std::string op;  // "dense_forward"
  OpFamily family = OpFamily::kDense;
  Index batch = 1;     // B; of the elementwise ops and the optimisers, N
  Index inputs = 0;    // I, or of Q-learning the actions A
  Index outputs = 0;   // O
  Shape image;         // (C,H,W) of a sample
  Window window = {};  // of conv2d and max_pool2d
};

/// Reads NAME SIZE: for
///   dense_forward, dense_backward, dense_backward_without_dx            BxI->O
///   conv2d_forward, conv2d_backward, conv2d_backward_without_dx         BxCxHxW->O KHxKW [stride S] [padding P]
///   max_pool2d_forward, max_pool2d_backward                             BxCxHxW KHxKW [stride S]
///   relu_..., tanh_..., sigmoid_forward and _backward, fill             N
///   layer_norm_forward, layer_norm_backward                             BxI
///   td_target, td_loss, dueling_forward, softmax_cross_entropy          BxA
///   adam_step, rmsprop_step, sgd_step, global_norm, polyak_update       N
/// Throws: Error with the text and the possible forms: for an unknown op, a size of another form, a size of 0,
/// and one whose arrays have more than 2^31 numbers.
OpText read_op(std::string_view text);

}  // namespace bellman::bench
