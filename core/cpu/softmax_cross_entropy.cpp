#include <cmath>

#include "core/cpu/cpu_backend.h"
#include "core/cpu/eigen_map.h"
#include "core/ops/backend_ops.h"

namespace bellman {

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

}  // namespace bellman
