#include "core/cpu/cpu_backend.h"
#include "core/op_shapes.h"
#include "core/reference/argmax.h"
#include "core/reference/td_loss.h"
#include "core/reference/td_target.h"

namespace bellman {

// A few numbers a sample: the definitions are as fast as anything.

void CpuBackend::argmax(IntTensor action, In q) {
  check_argmax(action, q);
  reference::argmax<float>(action, q);
}

void CpuBackend::td_target(Out y, In q_target, In q_online, In reward, In discount, In terminated) {
  check_td_target(y, q_target, q_online, reward, discount, terminated);
  pool_.run(1, [&](Index, int) {
    reference::td_target<float>(y, q_target, q_online, reward, discount, terminated);
  });
}

void CpuBackend::td_loss(Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y, In weight,
                         LossKind kind, float delta) {
  check_td_loss(dq, td_error, loss, q, action, y, weight, kind, delta);
  pool_.run(1, [&](Index, int) {
    reference::td_loss<float>(dq, td_error, loss, q, action, y, weight, kind, delta);
  });
}

}  // namespace bellman
