#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>

#include "core/base/numeric.h"
#include "core/cpu/cpu_backend.h"
#include "core/cpu/eigen_map.h"
#include "core/cpu/products/matrix.h"
#include "core/cpu/thread_pool.h"

namespace bellman {

void CpuBackend::do_fill(Out x, float value) {
  cpu::for_each_chunk(pool_, x.elements(), cpu::kCheapElements,
                      [&](Index begin, Index n) { std::fill_n(x.data() + begin, n, value); });
}

void CpuBackend::do_add(Out y, In x) {
  cpu::for_each_chunk(pool_, y.elements(), cpu::kCheapElements, [&](Index begin, Index n) {
    cpu::elements(y, begin, n) += cpu::elements(x, begin, n);
  });
}

// The sums of at most 64 chunks lie on the stack and are added in order.
void CpuBackend::do_global_norm(Out norm, In g) {
  constexpr Index kMaxChunks = 64;
  const Index n = g.elements();
  const Index chunk = std::max(cpu::kCheapElements, (n + kMaxChunks - 1) / kMaxChunks);
  std::array<double, kMaxChunks> sums{};
  cpu::for_each_chunk(pool_, n, chunk, [&](Index begin, Index count) {
    sums[static_cast<std::size_t>(begin / chunk)] = cpu::sum_of_squares(g.data() + begin, count);
  });
  double total = 0;
  for (double sum : sums) total += sum;
  norm.data()[0] = static_cast<float>(std::sqrt(total));
}

void CpuBackend::do_clip_by_global_norm(Out g, In norm, float max_norm) {
  const float scale = max_norm / (norm.data()[0] + 1e-6F);
  if (!(scale < 1)) return;
  cpu::for_each_chunk(pool_, g.elements(), cpu::kCheapElements,
                      [&](Index begin, Index n) { cpu::elements(g, begin, n) *= scale; });
}

void CpuBackend::do_guard_step(IntTensor guard, In loss, In g, SkipPolicy holding) {
  std::int32_t* const words = guard.data();
  if (words[kHeld] != 0 && holding == SkipPolicy::kForGood) return;
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

void CpuBackend::do_polyak_update(Out target, In online, float tau) {
  cpu::for_each_chunk(pool_, target.elements(), cpu::kCheapElements, [&](Index begin, Index n) {
    if (tau == 1)  // a plain copy, even over NaN
      std::copy_n(online.data() + begin, n, target.data() + begin);
    else
      cpu::elements(target, begin, n) =
          tau * cpu::elements(online, begin, n) + (1 - tau) * cpu::elements(target, begin, n);
  });
}

}  // namespace bellman
