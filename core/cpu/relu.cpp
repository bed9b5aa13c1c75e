#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/op_shapes.h"

namespace bellman {

void CpuBackend::relu_forward(Out y, In x) {
  check_relu_forward(y, x);
  cpu::for_each_chunk(pool_, y.elements(), cpu::kCheapElements, [&](Index begin, Index n) {
    const float* __restrict from = x.data() + begin;
    float* __restrict to = y.data() + begin;
    for (Index i = 0; i < n; ++i) to[i] = from[i] > 0 ? from[i] : 0;
  });
}

void CpuBackend::relu_backward(Out dx, In dy, In y) {
  check_relu_backward(dx, dy, y);
  cpu::for_each_chunk(pool_, dx.elements(), cpu::kCheapElements, [&](Index begin, Index n) {
    const float* __restrict from = dy.data() + begin;
    const float* __restrict kept = y.data() + begin;
    float* __restrict to = dx.data() + begin;
    for (Index i = 0; i < n; ++i) {
      const float d = from[i];  // read in any case: no branch
      to[i] = kept[i] > 0 ? d : 0;
    }
  });
}

}  // namespace bellman
