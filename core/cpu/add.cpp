#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/cpu/eigen_map.h"
#include "core/op_shapes.h"

namespace bellman {

void CpuBackend::add(Out y, In x) {
  check_add(y, x);
  cpu::for_each_chunk(pool_, y.elements(), cpu::kCheapElements, [&](Index begin, Index n) {
    cpu::elements(y, begin, n) += cpu::elements(x, begin, n);
  });
}

}  // namespace bellman
