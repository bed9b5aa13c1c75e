#include <algorithm>

#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"

namespace bellman {
namespace {

// Blocks of c that threads share: whole tiles of gemm_tiled for every width of vector.
constexpr Index kBlockRows = 96;
constexpr Index kBlockColumns = 64;

}  // namespace

void CpuBackend::multiply(cpu::Matrix<float> c, cpu::Matrix<const float> a, cpu::Matrix<const float> b,
                          cpu::Write write) {
  const bool small = c.rows * c.columns * a.columns < cpu::kSmallProduct;
  const Index height = small ? c.rows : kBlockRows;
  const Index width = small ? c.columns : kBlockColumns;
  if (c.rows == 0 || c.columns == 0) return;
  const Index across = (c.columns + width - 1) / width;
  const Index down = (c.rows + height - 1) / height;
  pool_.run(across * down, [&](Index chunk, int /*worker*/) {
    const Index i = chunk / across * height, j = chunk % across * width;
    const Index rows = std::min(height, c.rows - i), columns = std::min(width, c.columns - j);
    gemm_(c.block(i, j, rows, columns), a.block(i, 0, rows, a.columns), b.block(0, j, b.rows, columns),
          {write.accumulate, write.bias ? write.bias + j : nullptr});
  });
}

}  // namespace bellman
