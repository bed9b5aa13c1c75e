#include <algorithm>

#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/cpu/eigen_map.h"
#include "core/op_shapes.h"

namespace bellman {

void CpuBackend::polyak_update(Out target, In online, float tau) {
  check_polyak_update(target, online, tau);
  cpu::for_each_chunk(pool_, target.elements(), cpu::kCheapElements, [&](Index begin, Index n) {
    if (tau == 1)  // a plain copy, even over NaN
      std::copy_n(online.data() + begin, n, target.data() + begin);
    else
      cpu::elements(target, begin, n) =
          tau * cpu::elements(online, begin, n) + (1 - tau) * cpu::elements(target, begin, n);
  });
}

}  // namespace bellman
