#include <cmath>

#include "core/cpu/cpu_backend.h"
#include "core/cpu/watched_step.h"
#include "core/op_shapes.h"

namespace bellman {
namespace {

struct Settings {
  float beta1, one_minus_beta1, beta2, one_minus_beta2, epsilon;
  float step_size, inverse_root_correction2;
  float l2, shrink;
};

/// The loop of core/reference/adam.h, which the compiler makes vectors of, with exact roots and divisions:
/// Eigen's square root of floats is approximate, and -fno-math-errno (CMakeLists.txt) is all that std::sqrt
/// needs.
void adam(float* __restrict p, float* __restrict m, float* __restrict v, const float* __restrict g, Index n,
          const Settings s) {
  for (Index i = 0; i < n; ++i) {
    const float gradient = g[i] + s.l2 * p[i];
    m[i] = s.beta1 * m[i] + s.one_minus_beta1 * gradient;
    v[i] = s.beta2 * v[i] + s.one_minus_beta2 * gradient * gradient;
    p[i] = s.shrink * p[i] - s.step_size * m[i] / (std::sqrt(v[i]) * s.inverse_root_correction2 + s.epsilon);
  }
}

}  // namespace

void CpuBackend::adam_step(Out p, Out m, Out v, In g, float learning_rate, Index step,
                           const AdamOptions& options, IntTensor guard) {
  check_adam_step(p, m, v, g, learning_rate, step, options, guard);
  if (cpu::is_held(guard)) return;
  step = cpu::number_of_step(step, guard);
  const double correction1 = 1 - std::pow(options.beta1, double(step));
  const double correction2 = 1 - std::pow(options.beta2, double(step));
  const double decay = options.weight_decay;
  const Settings settings = {.beta1 = float(options.beta1),
                             .one_minus_beta1 = float(1 - options.beta1),
                             .beta2 = float(options.beta2),
                             .one_minus_beta2 = float(1 - options.beta2),
                             .epsilon = float(options.epsilon),
                             .step_size = float(double(learning_rate) / correction1),
                             .inverse_root_correction2 = float(1 / std::sqrt(correction2)),
                             .l2 = options.decoupled ? 0.0F : float(decay),
                             .shrink = options.decoupled ? float(1 - double(learning_rate) * decay) : 1.0F};
  cpu::for_each_watched_chunk(
      pool_, guard, {p, m, v}, p.elements(), cpu::kCostlyElements, [&](Index begin, Index n) {
        adam(p.data() + begin, m.data() + begin, v.data() + begin, g.data() + begin, n, settings);
      });
}

}  // namespace bellman
