// The optimisers' steps over the whole arena: Adam, RMSprop and stochastic gradient descent.
#pragma once

#include <cmath>

#include "core/ops/op_options.h"
#include "core/reference/tensor_access.h"

namespace bellman::reference {

// Adam (Kingma & Ba 2015, algorithm 1) and AdamW (Loshchilov & Hutter 2019, algorithm 2).

/// The `step`-th step (from 1) of the parameters p(N), along the gradient g(N):
///   m <- beta1 m + (1 - beta1) g            running mean of the gradient
///   v <- beta2 v + (1 - beta2) g^2          running mean of its square
///   mhat = m / (1 - beta1^step)             both start at 0 and are too small at first: after t steps their
///   vhat = v / (1 - beta2^step)             weights sum to 1 - beta^t
///   p <- p - learning_rate mhat / (sqrt(vhat) + epsilon)
/// Weight decay: Adam's adds to the gradient and is rescaled with it (L2); AdamW's shrinks p itself.
/// Powers of beta are computed in double: in float, 0.999^step would be wrong from the first steps on.
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

// RMSprop (Hinton 2012, lecture 6e) and its centred form (Graves 2013, eq. 38 to 41), with PyTorch's order of
// terms: epsilon outside the root, the learning rate outside the momentum. Mnih et al. 2015 use the centred
// form, with alpha 0.95 and an epsilon of 0.01 ("minimum squared gradient") inside the root.

/// One step of the parameters p(N) along the gradient g(N):
///   square <- alpha square + (1 - alpha) g^2             running mean of the squared gradient
///   mean   <- alpha mean + (1 - alpha) g                 centred only: running mean of the gradient
///   scale  = sqrt(square) or, centred, sqrt(square - mean^2): the gradient's standard deviation
///   p <- p - learning_rate g / (scale + epsilon)
/// With epsilon_in_root the divisor is sqrt(scale^2 + epsilon): a variance well below epsilon then has no
/// effect. With momentum:
///   velocity <- momentum velocity + g / (scale + epsilon)
///   p <- p - learning_rate velocity
template <class T>
void rmsprop_step(Out<T> p, Out<T> square, Out<T> mean, Out<T> velocity, In<T> g, T learning_rate,
                  const RmsPropOptions& options) {
  const T alpha = T(options.alpha), one_minus_alpha = T(1 - options.alpha);
  const T epsilon = T(options.epsilon);
  const T momentum = T(options.momentum);
  const T weight_decay = T(options.weight_decay);

  for (Index i = 0; i < p.elements(); ++i) {
    const T gradient = at(g, i) + weight_decay * at(p, i);
    at(square, i) = alpha * at(square, i) + one_minus_alpha * gradient * gradient;
    T variance = at(square, i);
    if (mean) {
      at(mean, i) = alpha * at(mean, i) + one_minus_alpha * gradient;
      // Negative only through rounding, as for a constant gradient.
      variance -= at(mean, i) * at(mean, i);
      variance = variance < 0 ? T(0) : variance;  // a NaN stays one
    }
    const T divisor =
        options.epsilon_in_root ? std::sqrt(variance + epsilon) : (std::sqrt(variance) + epsilon);
    T update = gradient / divisor;
    if (velocity) update = at(velocity, i) = momentum * at(velocity, i) + update;
    at(p, i) -= learning_rate * update;
  }
}

// Stochastic gradient descent, with momentum (Polyak 1964) or Nesterov's (Sutskever et al. 2013), in
// PyTorch's form: the learning rate multiplies the velocity where it is used, not where it accumulates.

/// The `step`-th step (from 1) of the parameters p(N) along the gradient g(N):
///   plain:     p <- p - learning_rate g
///   momentum:  velocity <- momentum velocity + (1 - dampening) g, at step 1 velocity <- g;
///              p <- p - learning_rate velocity
///   Nesterov:  p <- p - learning_rate (g + momentum velocity), with the same velocity
template <class T>
void sgd_step(Out<T> p, Out<T> velocity, In<T> g, T learning_rate, Index step, const SgdOptions& options) {
  const T momentum = T(options.momentum), one_minus_dampening = T(1 - options.dampening);
  const T weight_decay = T(options.weight_decay);

  for (Index i = 0; i < p.elements(); ++i) {
    const T gradient = at(g, i) + weight_decay * at(p, i);
    T update = gradient;
    if (velocity) {
      at(velocity, i) = step == 1 ? gradient : momentum * at(velocity, i) + one_minus_dampening * gradient;
      update = options.nesterov ? gradient + momentum * at(velocity, i) : at(velocity, i);
    }
    at(p, i) -= learning_rate * update;
  }
}

}  // namespace bellman::reference
