// Adam (Kingma & Ba 2015, algorithm 1) and AdamW (Loshchilov & Hutter 2019, algorithm 2), of the whole
// network at once:
//   m <- beta1 m + (1 - beta1) g        v <- beta2 v + (1 - beta2) g^2
//   p <- shrink p - step_size m / (sqrt(v) / sqrt(1 - beta2^step) + epsilon),   step_size = rate / (1 -
//   beta1^step)
// A kernel of one pass: 16 bytes a parameter are read and 12 written, and nothing else takes time. What is
// the same for all parameters is worked out on the host, in double, as core/cpu/adam.cpp does.

#include <cmath>

#include "cuda/elementwise.cuh"
#include "cuda/ops.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {
namespace {

struct Adam {
  float beta1, one_minus_beta1, beta2, one_minus_beta2, epsilon;
  float step_size, inverse_root_correction2;
  float l2, shrink;

  __device__ void operator()(float& p, float& m, float& v, const float& g) const {
    const float gradient = g + l2 * p;
    m = beta1 * m + one_minus_beta1 * gradient;
    v = beta2 * v + one_minus_beta2 * gradient * gradient;
    p = shrink * p - step_size * m / (sqrtf(v) * inverse_root_correction2 + epsilon);
  }
};

}  // namespace

void adam_step(Stream& stream, Out p, Out m, Out v, In g, float learning_rate, Index step,
               const AdamOptions& options) {
  const double correction1 = 1 - std::pow(options.beta1, double(step));
  const double correction2 = 1 - std::pow(options.beta2, double(step));
  const double decay = options.weight_decay;
  const Adam adam = {.beta1 = float(options.beta1),
                     .one_minus_beta1 = float(1 - options.beta1),
                     .beta2 = float(options.beta2),
                     .one_minus_beta2 = float(1 - options.beta2),
                     .epsilon = float(options.epsilon),
                     .step_size = float(double(learning_rate) / correction1),
                     .inverse_root_correction2 = float(1 / std::sqrt(correction2)),
                     .l2 = options.decoupled ? 0.0F : float(decay),
                     .shrink = options.decoupled ? float(1 - double(learning_rate) * decay) : 1.0F};
  for_each_element(stream, p.elements(), adam, Update{p.data()}, Update{m.data()}, Update{v.data()},
                   Read{g.data()});
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
