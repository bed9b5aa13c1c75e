// Ops that compute a sample from its own row: layer_norm, softmax with cross entropy, the dueling head, targets and losses.
#include <cmath>

#include "core/cpu/cpu_backend.h"
#include "core/cpu/eigen_map.h"
#include "core/cpu/thread_pool.h"
#include "core/ops/backend_ops.h"
#include "core/reference/layers.h"
#include "core/reference/losses.h"

namespace bellman {

using cpu::elements;

void CpuBackend::do_layer_norm_forward(Out y, Out mean, Out rstd, In x, In gamma, In beta, float epsilon) {
  const Index I = x[1];
  const Index rows_a_chunk = std::max(Index{1}, cpu::kCostlyElements / I);
  cpu::for_each_chunk(pool_, x[0], rows_a_chunk, [&](Index begin, Index rows) {
    const auto gain = elements(gamma, 0, I), offset = elements(beta, 0, I);
    for (Index n = begin; n < begin + rows; ++n) {
      const auto x_n = elements(x, n * I, I);
      const float m = x_n.mean();
      const float r = 1 / std::sqrt((x_n - m).square().mean() + epsilon);
      elements(y, n * I, I) = (x_n - m) * r * gain + offset;
      mean.data()[n] = m;
      rstd.data()[n] = r;
    }
  });
}

// The derivation stands in core/reference/layers.h. With g = dy gamma and xhat = (x - mean) rstd, a row's
//   dx = rstd (g - mean(g) - xhat mean(g xhat))      dgamma += dy xhat      dbeta += dy
// Rows follow each other in one thread: all add to the same dgamma and dbeta.
void CpuBackend::do_layer_norm_backward(Out dx, Out dgamma, Out dbeta, In dy, In x, In gamma, In mean,
                                        In rstd) {
  const Index B = x[0], I = x[1];
  pool_.run(1, [&](Index, int) {
    const auto gain = elements(gamma, 0, I);
    for (Index n = 0; n < B; ++n) {
      const float m = mean.data()[n], r = rstd.data()[n];
      const auto dy_n = elements(dy, n * I, I);
      const auto xhat = (elements(x, n * I, I) - m) * r;
      elements(dgamma, 0, I) += dy_n * xhat;
      elements(dbeta, 0, I) += dy_n;
      if (!dx) continue;
      const auto g = dy_n * gain;
      const float mean_g = g.mean();
      const float mean_g_xhat = (g * xhat).mean();
      elements(dx, n * I, I) = r * (g - mean_g - xhat * mean_g_xhat);
    }
  });
}

// ---- softmax

// core/reference/losses.h, a row at a time: the exponentials are taken once, in the place
// where dlogits will be.
void CpuBackend::do_softmax_cross_entropy(Out dlogits, Out loss, In logits, ConstIntTensor label) {
  const Index B = logits[0], O = logits[1];
  check_indices("softmax_cross_entropy", "label", label, O);
  pool_.run(1, [&](Index, int) {
    double total = 0;
    for (Index n = 0; n < B; ++n) {
      const cpu::ConstArrayMap z = cpu::elements(logits, n * O, O);
      cpu::ArrayMap p = cpu::elements(dlogits, n * O, O);
      const Index right = label.data()[n];
      const float largest = z.maxCoeff<Eigen::PropagateNaN>();
      p = (z - largest).exp();
      const float sum = p.sum();
      total += double(std::log(sum) - (z[right] - largest));
      p *= 1 / (sum * float(B));
      p[right] -= 1 / float(B);
    }
    loss.data()[0] = float(total / double(B));
  });
}

// ---- Q-learning: a few numbers a sample, for which the plain loops are as fast as any

void CpuBackend::do_dueling_forward(Out q, In v, In a) {
  pool_.run(1, [&](Index, int) { reference::dueling_forward<float>(q, v, a); });
}

void CpuBackend::do_dueling_backward(Out dv, Out da, In dq) {
  pool_.run(1, [&](Index, int) { reference::dueling_backward<float>(dv, da, dq); });
}

void CpuBackend::do_argmax(IntTensor action, In q) { reference::argmax<float>(action, q); }

void CpuBackend::do_td_target(Out y, const TdTargetInputs<float>& in) {
  pool_.run(1, [&](Index, int) { reference::td_target<float>(y, in); });
}

void CpuBackend::do_td_loss(Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y, In weight,
                            LossKind kind, float delta) {
  pool_.run(1, [&](Index, int) {
    reference::td_loss<float>(dq, td_error, loss, q, action, y, weight, kind, delta);
  });
}

}  // namespace bellman
