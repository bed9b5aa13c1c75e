#include <atomic>
#include <cmath>

#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/finite.h"
#include "core/op_shapes.h"

namespace bellman {

void CpuBackend::guard_step(IntTensor guard, In loss, In g, Holding holding) {
  check_guard_step(guard, loss, g);
  std::int32_t* const words = guard.data();
  if (words[kHeld] != 0 && holding == Holding::kForGood) return;
  std::atomic<bool> all_finite = true;
  cpu::for_each_chunk(pool_, g.elements(), cpu::kCheapElements, [&](Index begin, Index n) {
    if (!bellman::all_finite({g.data() + begin, static_cast<std::size_t>(n)}))
      all_finite.store(false, std::memory_order_relaxed);
  });
  Index place = 0;
  if (!all_finite)
    while (std::isfinite(g.data()[place++])) {
    }
  const bool held = words[kOverflowed] != 0 || place != 0 || !std::isfinite(loss.data()[0]);
  words[kPlace] = static_cast<std::int32_t>(place);
  words[kHeld] = held;
  words[kSkipped] += held;
}

}  // namespace bellman
