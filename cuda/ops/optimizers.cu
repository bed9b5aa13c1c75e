// The optimisers' steps (core/reference/optimizers.h), each a kernel of one pass over the whole arena.

#include <cmath>

#include <math.h>  // pow and sqrt on host and device

#include "core/base/numeric.h"
#include "core/ops/op_options.h"
#include "cuda/backend/cuda_backend.h"
#include "cuda/ops/elementwise.cuh"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

// What all steps share: the guard that may skip them, and the check of what they wrote (core/ops/backend.h).
// The host does not wait for the guard: the kernel reads it.

namespace {

/// Calls f, and keeps whether all numbers that it read or wrote were finite.
template <class F>
struct Watched {
  const F& f;
  bool& finite;
  template <class... Numbers>
  __device__ void operator()(Numbers&... numbers) const {
    f(numbers...);
    finite = finite && (isfinite(numbers) && ...);
  }
};

/// guard: kGuardWords, or null. F has prepare(skipped), which gets the number of steps skipped before this
/// one. Four blocks a multiprocessor allow 64 registers a thread: without this bound ptxas takes 48 for
/// RMSprop and spills.
template <class F, class... Arrays>
__global__ void __launch_bounds__(kElementwiseThreads, 4)
    optimizer_kernel(std::int32_t* guard, Index n, bool by_fours, F f, Arrays... arrays) {
  if (!guard) return for_each_element(n, by_fours, f, arrays...);
  if (guard[kHeld] != 0) return;
  f.prepare(guard[kSkipped]);
  bool finite = true;
  for_each_element(n, by_fours, Watched<F>{f, finite}, arrays...);
  if (!finite) atomicExch(guard + kOverflowed, 1);
}

/// f(element i of each array), as for_each_element, unless the guard skips the step.
template <class F, class... Arrays>
void optimizer_step(Stream& stream, IntTensor guard, Index n, const F& f, Arrays... arrays) {
  if (n == 0) return;
  const bool by_fours = (begins_at_16_bytes(arrays) && ...);
  const ElementwiseGrid size(n, by_fours);
  launch(stream, optimizer_kernel<F, Arrays...>, size.grid, size.block, 0, guard.data(), n, by_fours, f,
         arrays...);
}

}  // namespace

// Adam (Kingma & Ba 2015, algorithm 1) and AdamW (Loshchilov & Hutter 2019, algorithm 2), of the whole
// network at once:
//   m <- beta1 m + (1 - beta1) g        v <- beta2 v + (1 - beta2) g^2
//   p <- shrink p - step_size m / (sqrt(v) / sqrt(1 - beta2^step) + epsilon)
//   step_size = rate / (1 - beta1^step)
// One pass reads 16 bytes a parameter and writes 12; nothing else takes time. The host computes what is the
// same for all parameters, in double, as core/cpu/optimizers.cpp does.

namespace {

/// The bias corrections of a step; step_size contains the learning rate.
struct Corrections {
  float step_size, inverse_root2;
};

BELLMAN_HOST_DEVICE inline Corrections corrections(double beta1, double beta2, double learning_rate,
                                                   Index step) {
  const double correction1 = 1 - pow(beta1, static_cast<double>(step));
  const double correction2 = 1 - pow(beta2, static_cast<double>(step));
  return {static_cast<float>(learning_rate / correction1), static_cast<float>(1 / sqrt(correction2))};
}

struct Adam {
  float beta1, one_minus_beta1, beta2, one_minus_beta2, epsilon;
  Corrections correction;
  float l2, shrink;
  // For a step after skipped ones: rare, so its threads compute the corrections themselves.
  double beta1_double, beta2_double, learning_rate;
  Index step;

  __device__ void prepare(std::int32_t skipped) {
    if (skipped != 0) correction = corrections(beta1_double, beta2_double, learning_rate, step - skipped);
  }
  __device__ void operator()(float& p, float& m, float& v, const float& g) const {
    const float gradient = g + l2 * p;
    m = beta1 * m + one_minus_beta1 * gradient;
    v = beta2 * v + one_minus_beta2 * gradient * gradient;
    p = shrink * p - correction.step_size * m / (sqrtf(v) * correction.inverse_root2 + epsilon);
  }
};

}  // namespace

void CudaBackend::do_adam_step(Out p, Out m, Out v, In g, float learning_rate, Index step,
                               const AdamOptions& options, IntTensor guard) {
  const double decay = options.weight_decay, rate = double(learning_rate);
  const Adam adam = {.beta1 = float(options.beta1),
                     .one_minus_beta1 = float(1 - options.beta1),
                     .beta2 = float(options.beta2),
                     .one_minus_beta2 = float(1 - options.beta2),
                     .epsilon = float(options.epsilon),
                     .correction = corrections(options.beta1, options.beta2, rate, step),
                     .l2 = options.decoupled ? 0.0F : float(decay),
                     .shrink = options.decoupled ? float(1 - rate * decay) : 1.0F,
                     .beta1_double = options.beta1,
                     .beta2_double = options.beta2,
                     .learning_rate = rate,
                     .step = step};
  optimizer_step(stream_, guard, p.elements(), adam, Update{p.data()}, Update{m.data()}, Update{v.data()},
                 Read{g.data()});
}

// RMSprop (Hinton 2012, lecture 6e), centred (Graves 2013, eq. 38 to 41) and with momentum, in PyTorch's
// order of terms (core/reference/optimizers.h):
//   square <- alpha square + (1 - alpha) g^2      mean <- alpha mean + (1 - alpha) g
//   velocity <- momentum velocity + g / (sqrt(square - mean^2) + epsilon)
//   p <- p - learning_rate velocity
// with epsilon_in_root g / sqrt(square - mean^2 + epsilon).

namespace {

template <bool kCentered, bool kMomentum, bool kEpsilonInRoot>
struct RmsProp {
  float alpha, one_minus_alpha, epsilon, momentum, weight_decay, learning_rate;

  __device__ void prepare(std::int32_t) {}
  __device__ void operator()(float& p, float& square, float& mean, float& velocity, const float& g) const {
    const float gradient = g + weight_decay * p;
    square = alpha * square + one_minus_alpha * gradient * gradient;
    float variance = square;
    if constexpr (kCentered) {
      mean = alpha * mean + one_minus_alpha * gradient;
      variance -= mean * mean;
      variance = variance < 0 ? 0 : variance;  // by rounding; a NaN stays one
    }
    const float root = kEpsilonInRoot ? sqrtf(variance + epsilon) : sqrtf(variance) + epsilon;
    float update = gradient / root;
    if constexpr (kMomentum) update = velocity = momentum * velocity + update;
    p -= learning_rate * update;
  }
};

}  // namespace

void CudaBackend::do_rmsprop_step(Out p, Out square, Out mean, Out velocity, In g, float learning_rate,
                                  const RmsPropOptions& options, IntTensor guard) {
  const auto step = [&]<bool kCentered, bool kMomentum, bool kInRoot>(auto means, auto velocities) {
    const RmsProp<kCentered, kMomentum, kInRoot> f = {float(options.alpha),        float(1 - options.alpha),
                                                      float(options.epsilon),      float(options.momentum),
                                                      float(options.weight_decay), learning_rate};
    optimizer_step(stream_, guard, p.elements(), f, Update{p.data()}, Update{square.data()}, means,
                   velocities, Read{g.data()});
  };
  const auto run = [&]<bool kCentered, bool kMomentum>(auto means, auto velocities) {
    if (options.epsilon_in_root)
      return step.template operator()<kCentered, kMomentum, true>(means, velocities);
    step.template operator()<kCentered, kMomentum, false>(means, velocities);
  };
  const Update means = {mean.data()}, velocities = {velocity.data()};
  if (mean && velocity) return run.operator()<true, true>(means, velocities);
  if (mean) return run.operator()<true, false>(means, Absent{});
  if (velocity) return run.operator()<false, true>(Absent{}, velocities);
  run.operator()<false, false>(Absent{}, Absent{});
}

// Stochastic gradient descent, with momentum (Polyak 1964) and Nesterov's (Sutskever et al. 2013), in
// PyTorch's form (core/reference/optimizers.h):
//   velocity <- momentum velocity + (1 - dampening) g, at step 1 velocity <- g
//   p <- p - learning_rate u,   u = g, velocity, or with Nesterov's g + momentum velocity

namespace {

struct Sgd {
  float learning_rate, weight_decay;

  __device__ void prepare(std::int32_t) {}
  __device__ void operator()(float& p, const float& g) const { p -= learning_rate * (g + weight_decay * p); }
};

struct SgdMomentum {
  float learning_rate, weight_decay, momentum, one_minus_dampening;
  Index step;
  bool nesterov;

  __device__ void prepare(std::int32_t skipped) { step -= skipped; }
  __device__ void operator()(float& p, float& velocity, const float& g) const {
    const float gradient = g + weight_decay * p;
    velocity = step == 1 ? gradient : momentum * velocity + one_minus_dampening * gradient;
    p -= learning_rate * (nesterov ? gradient + momentum * velocity : velocity);
  }
};

}  // namespace

void CudaBackend::do_sgd_step(Out p, Out velocity, In g, float learning_rate, Index step,
                              const SgdOptions& options, IntTensor guard) {
  const float decay = float(options.weight_decay);
  if (!velocity) {
    optimizer_step(stream_, guard, p.elements(), Sgd{learning_rate, decay}, Update{p.data()}, Read{g.data()});
    return;
  }
  const SgdMomentum momentum = {
      learning_rate, decay, float(options.momentum), float(1 - options.dampening), step, options.nesterov};
  optimizer_step(stream_, guard, p.elements(), momentum, Update{p.data()}, Update{velocity.data()},
                 Read{g.data()});
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
