#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/cpu/eigen_map.h"
#include "core/op_shapes.h"

namespace bellman {

using cpu::elements;

void CpuBackend::sigmoid_forward(Out y, In x) {
  check_sigmoid_forward(y, x);
  cpu::for_each_chunk(pool_, y.elements(), cpu::kCostlyElements, [&](Index begin, Index n) {
    elements(y, begin, n) = 1 / (1 + (-elements(x, begin, n)).exp());
  });
}

void CpuBackend::sigmoid_backward(Out dx, In dy, In y) {
  check_sigmoid_backward(dx, dy, y);
  cpu::for_each_chunk(pool_, dx.elements(), cpu::kCheapElements, [&](Index begin, Index n) {
    elements(dx, begin, n) = elements(dy, begin, n) * elements(y, begin, n) * (1 - elements(y, begin, n));
  });
}

}  // namespace bellman
