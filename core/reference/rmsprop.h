// RMSprop (Hinton 2012, lecture 6e) and its centred form (Graves 2013, eq. 38 to 41), with PyTorch's order of
// terms: epsilon outside the root, the learning rate outside the momentum. Mnih et al. 2015 have it centred,
// with alpha 0.95 and an epsilon of 0.01 ("minimum squared gradient") inside the root.
#pragma once

#include <cmath>

#include "core/backend.h"
#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// One step of the parameters p(N) along the gradient g(N):
///   square <- alpha square + (1 - alpha) g^2             running mean of the squared gradient
///   mean   <- alpha mean + (1 - alpha) g                 centred only: running mean of the gradient
///   scale  = sqrt(square) or, centred, sqrt(square - mean^2): the gradient's standard deviation
///   p <- p - learning_rate g / (scale + epsilon)
/// with epsilon_in_root, g / sqrt(scale^2 + epsilon) instead: a variance well below epsilon then counts for
/// nothing; and with momentum: velocity <- momentum velocity + g / (scale + epsilon), p <- p - learning_rate
/// velocity.
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
      // Never below 0, but for rounding: a gradient that stays the same has no variance.
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

}  // namespace bellman::reference
