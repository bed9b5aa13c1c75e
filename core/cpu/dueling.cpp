#include "core/reference/dueling.h"

#include "core/cpu/cpu_backend.h"
#include "core/op_shapes.h"

namespace bellman {

// A few numbers a sample: the definition is as fast as anything.

void CpuBackend::dueling_forward(Out q, In v, In a) {
  check_dueling_forward(q, v, a);
  pool_.run(1, [&](Index, int) { reference::dueling_forward<float>(q, v, a); });
}

void CpuBackend::dueling_backward(Out dv, Out da, In dq) {
  check_dueling_backward(dv, da, dq);
  pool_.run(1, [&](Index, int) { reference::dueling_backward<float>(dv, da, dq); });
}

}  // namespace bellman
