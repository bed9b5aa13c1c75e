#include "core/cpu/cpu_backend.h"
#include "core/reference/layers.h"
#include "core/reference/losses.h"

namespace bellman {

// A few numbers a sample: the definitions are as fast as anything.

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
