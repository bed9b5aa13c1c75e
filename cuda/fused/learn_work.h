// The data of a fused learn step (cuda/fused/learner.cuh), beside the layout of its shared memory.
#pragma once

#include <cstdint>

#include "core/base/numeric.h"
#include "core/nn/fused_dqn.h"
#include "core/ops/backend.h"
#include "core/ops/replay_ops.h"
#include "cuda/ops/q_values.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// The replay's arrays.
struct FusedReplay {
  const float* observations;
  const std::uint8_t* bytes;  // when observations is null
  const std::int32_t *action, *next_slot;
  const float *reward, *discount, *terminated;
};

struct AdamNumbers {
  double beta1_double, beta2_double, learning_rate;
  float beta1, one_minus_beta1, beta2, one_minus_beta2, epsilon, l2, shrink;
};

BELLMAN_HOST_DEVICE inline AdamNumbers adam_numbers(const AdamOptions& adam, float learning_rate) {
  const double rate = double(learning_rate), decay = adam.weight_decay;
  return {.beta1_double = adam.beta1,
          .beta2_double = adam.beta2,
          .learning_rate = rate,
          .beta1 = float(adam.beta1),
          .one_minus_beta1 = float(1 - adam.beta1),
          .beta2 = float(adam.beta2),
          .one_minus_beta2 = float(1 - adam.beta2),
          .epsilon = float(adam.epsilon),
          .l2 = adam.decoupled ? 0.0F : float(decay),
          .shrink = adam.decoupled ? float(1 - rate * decay) : 1.0F};
}

/// The data of a launch. REQUIRES: the arrays do not change while a step runs.
struct LearnWork {
  FusedReplay replay;
  float *online, *target, *m, *v, *gradients;     // arenas
  float *target_outside, *m_outside, *v_outside;  // padded; where they are not in shared memory
  float *td_error, *loss, *norm;
  std::int32_t* guard;
  double *sums, *report;
  const std::int32_t* slot;  // (K,B)
  const float* weight;       // (K,B) or null
  Index steps, first_step;
  StepId name;
  AdamNumbers adam;
  ErrorLoss error_loss;
  float target_tau;
  DqnOptions dqn;
  bool skip_for_good;
};

/// Sets all of the work that the options determine, except Adam's numbers.
BELLMAN_HOST_DEVICE inline void set_options(LearnWork& work, const FusedDqnOptions& options) {
  work.dqn = options;
  work.error_loss = {options.loss, float(options.huber_delta)};
  work.skip_for_good = options.holding == SkipPolicy::kForGood;
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
