#include <algorithm>

#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/op_shapes.h"

namespace bellman {

void CpuBackend::fill(Out x, float value) {
  check_fill(x);
  cpu::for_each_chunk(pool_, x.elements(), cpu::kCheapElements,
                      [&](Index begin, Index n) { std::fill_n(x.data() + begin, n, value); });
}

}  // namespace bellman
