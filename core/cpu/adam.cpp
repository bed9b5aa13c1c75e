#include <cmath>

#include "core/cpu/cpu_backend.h"
#include "core/cpu/fused/adam_factors.h"
#include "core/cpu/watched_step.h"
#include "core/op_shapes.h"

namespace bellman {
namespace {

/// The loop of core/reference/adam.h, which the compiler makes vectors of, with exact roots and divisions:
/// Eigen's square root of floats is approximate, and -fno-math-errno (CMakeLists.txt) is all that std::sqrt
/// needs.
void adam(float* __restrict p, float* __restrict m, float* __restrict v, const float* __restrict g, Index n,
          const cpu::fused::AdamFactors& factors) {
  const cpu::fused::AdamFactors s = factors;  // which no store to p, m or v changes
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
  const cpu::fused::AdamFactors factors = cpu::fused::adam_factors(options, learning_rate, step);
  cpu::for_each_watched_chunk(
      pool_, guard, {p, m, v}, p.elements(), cpu::kCostlyElements, [&](Index begin, Index n) {
        adam(p.data() + begin, m.data() + begin, v.data() + begin, g.data() + begin, n, factors);
      });
}

}  // namespace bellman
