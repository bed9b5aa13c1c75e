#include "core/cpu/fused/adam_factors.h"

#include <cmath>

namespace bellman::cpu::fused {

AdamFactors adam_factors(const AdamOptions& options, float learning_rate, Index step) {
  const double correction1 = 1 - std::pow(options.beta1, double(step));
  const double correction2 = 1 - std::pow(options.beta2, double(step));
  const double decay = options.weight_decay;
  return {.beta1 = float(options.beta1),
          .one_minus_beta1 = float(1 - options.beta1),
          .beta2 = float(options.beta2),
          .one_minus_beta2 = float(1 - options.beta2),
          .epsilon = float(options.epsilon),
          .step_size = float(double(learning_rate) / correction1),
          .inverse_root_correction2 = float(1 / std::sqrt(correction2)),
          .l2 = options.decoupled ? 0.0F : float(decay),
          .shrink = options.decoupled ? float(1 - double(learning_rate) * decay) : 1.0F,
          .gradient_scale = 1.0F};
}

}  // namespace bellman::cpu::fused
