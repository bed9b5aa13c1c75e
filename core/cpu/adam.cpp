#include <cmath>

#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/op_shapes.h"

namespace bellman {

// The loop of core/reference/adam.h, which the compiler makes vectors of, with exact roots and divisions:
// Eigen's square root of floats is approximate, and -fno-math-errno (core/CMakeLists.txt) is all that
// std::sqrt needs.
void CpuBackend::adam_step(Out p, Out m, Out v, In g, float learning_rate, Index step,
                           const AdamOptions& options) {
  check_adam_step(p, m, v, g, learning_rate, step, options);
  const float beta1 = float(options.beta1), one_minus_beta1 = float(1 - options.beta1);
  const float beta2 = float(options.beta2), one_minus_beta2 = float(1 - options.beta2);
  const float epsilon = float(options.epsilon);
  const double correction1 = 1 - std::pow(options.beta1, double(step));
  const double correction2 = 1 - std::pow(options.beta2, double(step));
  const float step_size = float(double(learning_rate) / correction1);
  const float inverse_root_correction2 = float(1 / std::sqrt(correction2));
  const float l2 = options.decoupled ? 0.0F : float(options.weight_decay);
  const float shrink = options.decoupled ? float(1 - double(learning_rate) * options.weight_decay) : 1.0F;

  cpu::for_each_chunk(pool_, p.elements(), cpu::kCostlyElements, [&](Index begin, Index n) {
    float* __restrict p_i = p.data() + begin;
    float* __restrict m_i = m.data() + begin;
    float* __restrict v_i = v.data() + begin;
    const float* __restrict g_i = g.data() + begin;
    for (Index i = 0; i < n; ++i) {
      const float gradient = g_i[i] + l2 * p_i[i];
      m_i[i] = beta1 * m_i[i] + one_minus_beta1 * gradient;
      v_i[i] = beta2 * v_i[i] + one_minus_beta2 * gradient * gradient;
      p_i[i] =
          shrink * p_i[i] - step_size * m_i[i] / (std::sqrt(v_i[i]) * inverse_root_correction2 + epsilon);
    }
  });
}

}  // namespace bellman
