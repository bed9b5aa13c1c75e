// Clipping by global norm (Pascanu et al. 2013, algorithm 1): a gradient that is too long keeps its direction
// and loses length.
#pragma once

#include <cmath>

#include "core/reference/tensor_access.h"

namespace bellman::reference {

/// norm(1) = sqrt(sum g(N)^2), summed in double. Overwrites norm.
template <class T>
void global_norm(Out<T> norm, In<T> g) {
  double sum = 0;
  for (Index i = 0; i < g.elements(); ++i) sum += double(at(g, i)) * double(at(g, i));
  at(norm, 0) = T(std::sqrt(sum));
}

/// g <- g min(1, max_norm / (norm(1) + 1e-6)). PyTorch's 1e-6 keeps a zero gradient from dividing by zero.
template <class T>
void clip_by_global_norm(Out<T> g, In<T> norm, T max_norm) {
  const T scale = max_norm / (at(norm, 0) + T(1e-6));
  if (!(scale < 1)) return;
  for (Index i = 0; i < g.elements(); ++i) at(g, i) *= scale;
}

}  // namespace bellman::reference
