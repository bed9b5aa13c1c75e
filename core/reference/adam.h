// Adam (Kingma & Ba 2015, algorithm 1) and AdamW (Loshchilov & Hutter 2019, algorithm 2).
#pragma once

#include <cmath>

#include "core/backend.h"
#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// The `step`-th step (from 1) of the parameters p(N), along the gradient g(N):
///   m <- beta1 m + (1 - beta1) g            running mean of the gradient
///   v <- beta2 v + (1 - beta2) g^2          running mean of its square
///   mhat = m / (1 - beta1^step)             both began at 0 and are too small at first: after t steps their
///   vhat = v / (1 - beta2^step)             weights add up to 1 - beta^t
///   p <- p - learning_rate mhat / (sqrt(vhat) + epsilon)
/// Weight decay: Adam's adds to the gradient, and is rescaled with it (L2); AdamW's shrinks p itself.
/// The powers of beta are taken in double: as a float 0.999^step would be off from the first steps on.
template <class T>
void adam_step(Out<T> p, Out<T> m, Out<T> v, In<T> g, T learning_rate, Index step,
               const AdamOptions& options) {
  const T beta1 = T(options.beta1), one_minus_beta1 = T(1 - options.beta1);
  const T beta2 = T(options.beta2), one_minus_beta2 = T(1 - options.beta2);
  const T epsilon = T(options.epsilon);
  const double correction1 = 1 - std::pow(options.beta1, double(step));
  const double correction2 = 1 - std::pow(options.beta2, double(step));
  const T step_size = T(double(learning_rate) / correction1);
  const T root_correction2 = T(std::sqrt(correction2));
  const T l2 = options.decoupled ? T(0) : T(options.weight_decay);
  const T shrink = options.decoupled ? T(1 - double(learning_rate) * options.weight_decay) : T(1);

  for (Index i = 0; i < p.elements(); ++i) {
    const T gradient = at(g, i) + l2 * at(p, i);
    at(m, i) = beta1 * at(m, i) + one_minus_beta1 * gradient;
    at(v, i) = beta2 * at(v, i) + one_minus_beta2 * gradient * gradient;
    at(p, i) = shrink * at(p, i) - step_size * at(m, i) / (std::sqrt(at(v, i)) / root_correction2 + epsilon);
  }
}

}  // namespace bellman::reference
