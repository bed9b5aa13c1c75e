#include "core/cpu/cpu_backend.h"
#include "core/cpu/eigen_map.h"
#include "core/cpu/watched_step.h"
#include "core/op_shapes.h"

namespace bellman {

// core/reference/sgd.h with whole arrays. p comes last in each case: the gradient's weight decay reads it.
void CpuBackend::sgd_step(Out p, Out velocity, In g, float learning_rate, Index step,
                          const SgdOptions& options, IntTensor guard) {
  check_sgd_step(p, velocity, g, learning_rate, step, options, guard);
  if (cpu::is_held(guard)) return;
  step = cpu::number_of_step(step, guard);
  const float momentum = float(options.momentum), one_minus_dampening = float(1 - options.dampening);
  const float weight_decay = float(options.weight_decay);
  const auto step_chunk = [&](Index begin, Index n) {
    cpu::ArrayMap p_i = cpu::elements(p, begin, n);
    const auto gradient = cpu::elements(g, begin, n) + weight_decay * p_i;
    if (!velocity) {
      p_i -= learning_rate * gradient;
      return;
    }
    cpu::ArrayMap v_i = cpu::elements(velocity, begin, n);
    if (step == 1)
      v_i = gradient;
    else
      v_i = momentum * v_i + one_minus_dampening * gradient;
    if (options.nesterov)
      p_i -= learning_rate * (gradient + momentum * v_i);
    else
      p_i -= learning_rate * v_i;
  };
  cpu::for_each_watched_chunk(pool_, guard, {p, velocity}, p.elements(), cpu::kCheapElements, step_chunk);
}

}  // namespace bellman
