// Adam (Kingma & Ba 2015, algorithm 1) and AdamW (Loshchilov & Hutter 2019, algorithm 2), of the whole
// network at once:
//   m <- beta1 m + (1 - beta1) g        v <- beta2 v + (1 - beta2) g^2
//   p <- shrink p - step_size m / (sqrt(v) / sqrt(1 - beta2^step) + epsilon),   step_size = rate / (1 -
//   beta1^step)
// A kernel of one pass: 16 bytes a parameter are read and 12 written, and nothing else takes time. What is
// the same for all parameters is worked out on the host, in double, as core/cpu/adam.cpp does.

#include <math.h>  // pow and sqrt on host and device

#include "core/host_device.h"
#include "cuda/elementwise.cuh"
#include "cuda/guard.cuh"
#include "cuda/ops.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

/// What bias correction makes of the learning rate at a step.
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
  // For a step before which others were held: rare, so its thread works the corrections out itself.
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

void adam_step(Stream& stream, Out p, Out m, Out v, In g, float learning_rate, Index step,
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
  optimizer_step(stream, guard, p.elements(), adam, Update{p.data()}, Update{m.data()}, Update{v.data()},
                 Read{g.data()});
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
