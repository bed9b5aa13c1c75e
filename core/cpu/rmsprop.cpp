#include <cmath>

#include "core/cpu/cpu_backend.h"
#include "core/cpu/watched_step.h"
#include "core/op_shapes.h"

namespace bellman {
namespace {

struct Settings {
  float alpha, one_minus_alpha, epsilon_in_root, epsilon_beside, momentum, weight_decay, learning_rate;
};

/// The loop of core/reference/rmsprop.h. Without a buffer for means or velocities that part is left out when
/// compiled, so that the rest becomes vectors.
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

void CpuBackend::rmsprop_step(Out p, Out square, Out mean, Out velocity, In g, float learning_rate,
                              const RmsPropOptions& options, IntTensor guard) {
  check_rmsprop_step(p, square, mean, velocity, g, learning_rate, options, guard);
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

}  // namespace bellman
