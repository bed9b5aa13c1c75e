#include <algorithm>
#include <array>
#include <cmath>

#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/cpu/eigen_map.h"
#include "core/cpu/sums.h"
#include "core/op_shapes.h"

namespace bellman {

// The sums of at most 64 chunks wait on the stack and are added up in their order.
void CpuBackend::global_norm(Out norm, In g) {
  check_global_norm(norm, g);
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

void CpuBackend::clip_by_global_norm(Out g, In norm, float max_norm) {
  check_clip_by_global_norm(g, norm, max_norm);
  const float scale = max_norm / (norm.data()[0] + 1e-6F);
  if (!(scale < 1)) return;
  cpu::for_each_chunk(pool_, g.elements(), cpu::kCheapElements,
                      [&](Index begin, Index n) { cpu::elements(g, begin, n) *= scale; });
}

}  // namespace bellman
