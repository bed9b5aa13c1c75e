#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/op_shapes.h"

namespace bellman {

void CpuBackend::leaky_relu_forward(Out y, In x, float slope) {
  check_leaky_relu_forward(y, x, slope);
  cpu::for_each_chunk(pool_, y.elements(), cpu::kCheapElements, [&](Index begin, Index n) {
    const float* __restrict from = x.data() + begin;
    float* __restrict to = y.data() + begin;
    for (Index i = 0; i < n; ++i) to[i] = from[i] > 0 ? from[i] : slope * from[i];
  });
}

void CpuBackend::leaky_relu_backward(Out dx, In dy, In x, float slope) {
  check_leaky_relu_backward(dx, dy, x, slope);
  cpu::for_each_chunk(pool_, dx.elements(), cpu::kCheapElements, [&](Index begin, Index n) {
    const float* __restrict from = dy.data() + begin;
    const float* __restrict kept = x.data() + begin;
    float* __restrict to = dx.data() + begin;
    for (Index i = 0; i < n; ++i) {
      const float d = from[i];
      to[i] = kept[i] > 0 ? d : slope * d;
    }
  });
}

}  // namespace bellman
