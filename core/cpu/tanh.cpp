#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/cpu/eigen_map.h"
#include "core/op_shapes.h"

namespace bellman {

using cpu::elements;

void CpuBackend::tanh_forward(Out y, In x) {
  check_tanh_forward(y, x);
  cpu::for_each_chunk(pool_, y.elements(), cpu::kCostlyElements,
                      [&](Index begin, Index n) { elements(y, begin, n) = elements(x, begin, n).tanh(); });
}

void CpuBackend::tanh_backward(Out dx, In dy, In y) {
  check_tanh_backward(dx, dy, y);
  cpu::for_each_chunk(pool_, dx.elements(), cpu::kCheapElements, [&](Index begin, Index n) {
    elements(dx, begin, n) = elements(dy, begin, n) * (1 - elements(y, begin, n).square());
  });
}

}  // namespace bellman
