// The loss of classification: minus the log of the probability given to the right label.
#pragma once

#include <algorithm>
#include <cmath>

#include "core/ops/op_shapes.h"
#include "core/reference/tensor_access.h"

namespace bellman::reference {

// Per row, p[k] = exp(z[k]) / S with S = sum_j exp(z[j]) and L = -1/B log p[label] = 1/B (log S - z[label]).
// dlog S/dz[k] = exp(z[k]) / S = p[k], so
//   dL/dz[k] = 1/B (p[k] - [k = label])
// p does not change when the row's largest logit is taken from all; then no exp can overflow, and S >= 1.
/// loss(1) = -1/B sum_n log softmax(logits(B,O)[n])[label(B)[n]], summed in double; loss and dlogits(B,O)
/// overwritten. Throws: Error for a label that is not in 0 .. O-1.
template <class T>
void softmax_cross_entropy(Out<T> dlogits, Out<T> loss, In<T> logits, ConstIntTensor label) {
  const Index B = logits[0], O = logits[1];
  check_indices("softmax_cross_entropy", "label", label, O);
  double total = 0;
  for (Index n = 0; n < B; ++n) {
    T largest = at(logits, n, 0);
    for (Index k = 1; k < O; ++k) largest = std::max(largest, at(logits, n, k));
    T sum = 0;
    for (Index k = 0; k < O; ++k) sum += std::exp(at(logits, n, k) - largest);

    total += double(std::log(sum) - (at(logits, n, at(label, n)) - largest));
    for (Index k = 0; k < O; ++k) {
      const T p = std::exp(at(logits, n, k) - largest) / sum;
      at(dlogits, n, k) = (p - (k == at(label, n) ? 1 : 0)) / T(B);
    }
  }
  at(loss, 0) = T(total / double(B));
}

}  // namespace bellman::reference
