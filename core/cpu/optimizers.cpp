#include <cmath>

#include "core/cpu/cpu_backend.h"
#include "core/cpu/eigen_map.h"
#include "core/cpu/optimizer_step.h"

namespace bellman {
namespace {

/// The loop of core/reference/optimizers.h, which the compiler vectorises, with exact roots and divisions. Eigen's square root
/// of floats is approximate; -fno-math-errno (CMakeLists.txt) is all that std::sqrt needs.
void adam(float* __restrict p, float* __restrict m, float* __restrict v, const float* __restrict g, Index n,
          const cpu::AdamFactors& factors) {
  const cpu::AdamFactors s = factors;  // which no store to p, m or v changes
  for (Index i = 0; i < n; ++i) {
    const float gradient = g[i] + s.l2 * p[i];
    m[i] = s.beta1 * m[i] + s.one_minus_beta1 * gradient;
    v[i] = s.beta2 * v[i] + s.one_minus_beta2 * gradient * gradient;
    p[i] = s.shrink * p[i] - s.step_size * m[i] / (std::sqrt(v[i]) * s.inverse_root_correction2 + s.epsilon);
  }
}

struct Settings {
  float alpha, one_minus_alpha, epsilon_in_root, epsilon_beside, momentum, weight_decay, learning_rate;
};

/// The loop of core/reference/optimizers.h. Parts without a buffer, means or velocities, are compiled out, so that the rest is
/// vectorised.
template <bool kCentered, bool kMomentum>
void rmsprop(float* __restrict p, float* __restrict square, float* __restrict mean,
             float* __restrict velocity, const float* __restrict g, Index n, const Settings& s) {
  for (Index i = 0; i < n; ++i) {
    const float gradient = g[i] + s.weight_decay * p[i];
    square[i] = s.alpha * square[i] + s.one_minus_alpha * gradient * gradient;
    float variance = square[i];
    if constexpr (kCentered) {
      mean[i] = s.alpha * mean[i] + s.one_minus_alpha * gradient;
      variance -= mean[i] * mean[i];
      variance = variance < 0 ? 0 : variance;
    }
    // One of the two is 0, and changes no bit.
    float update = gradient / (std::sqrt(variance + s.epsilon_in_root) + s.epsilon_beside);
    if constexpr (kMomentum) update = velocity[i] = s.momentum * velocity[i] + update;
    p[i] -= s.learning_rate * update;
  }
}

}  // namespace

cpu::AdamFactors cpu::adam_factors(const AdamOptions& options, float learning_rate, Index step) {
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

void CpuBackend::do_adam_step(Out p, Out m, Out v, In g, float learning_rate, Index step,
                              const AdamOptions& options, IntTensor guard) {
  if (cpu::is_held(guard)) return;
  step = cpu::number_of_step(step, guard);
  const cpu::AdamFactors factors = cpu::adam_factors(options, learning_rate, step);
  cpu::for_each_watched_chunk(
      pool_, guard, {p, m, v}, p.elements(), cpu::kCostlyElements, [&](Index begin, Index n) {
        adam(p.data() + begin, m.data() + begin, v.data() + begin, g.data() + begin, n, factors);
      });
}

void CpuBackend::do_rmsprop_step(Out p, Out square, Out mean, Out velocity, In g, float learning_rate,
                                 const RmsPropOptions& options, IntTensor guard) {
  if (cpu::is_held(guard)) return;
  const auto epsilon = float(options.epsilon);
  const Settings settings = {.alpha = float(options.alpha),
                             .one_minus_alpha = float(1 - options.alpha),
                             .epsilon_in_root = options.epsilon_in_root ? epsilon : 0,
                             .epsilon_beside = options.epsilon_in_root ? 0 : epsilon,
                             .momentum = float(options.momentum),
                             .weight_decay = float(options.weight_decay),
                             .learning_rate = learning_rate};
  const auto loop = mean ? (velocity ? rmsprop<true, true> : rmsprop<true, false>)
                         : (velocity ? rmsprop<false, true> : rmsprop<false, false>);
  const auto from = [](Out t, Index begin) { return t ? t.data() + begin : nullptr; };
  cpu::for_each_watched_chunk(pool_, guard, {p, square, mean, velocity}, p.elements(), cpu::kCostlyElements,
                              [&](Index begin, Index n) {
                                loop(from(p, begin), from(square, begin), from(mean, begin),
                                     from(velocity, begin), g.data() + begin, n, settings);
                              });
}

// core/reference/optimizers.h with whole arrays. p comes last in each case: the gradient's weight decay reads
// it.
void CpuBackend::do_sgd_step(Out p, Out velocity, In g, float learning_rate, Index step,
                             const SgdOptions& options, IntTensor guard) {
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
