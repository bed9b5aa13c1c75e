#include <cmath>

#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/cpu/eigen_map.h"

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

}  // namespace bellman
