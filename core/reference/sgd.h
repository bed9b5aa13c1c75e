// Stochastic gradient descent, with momentum (Polyak 1964) and Nesterov's (Sutskever et al. 2013), in
// PyTorch's form: the learning rate multiplies the velocity when it is used, not when it is built up.
#pragma once

#include "core/backend.h"
#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// The `step`-th step (from 1) of the parameters p(N) along the gradient g(N):
///   plain:     p <- p - learning_rate g
///   momentum:  velocity <- momentum velocity + (1 - dampening) g, at step 1 velocity <- g;
///              p <- p - learning_rate velocity
///   Nesterov:  p <- p - learning_rate (g + momentum velocity), the velocity built up in the same way
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
