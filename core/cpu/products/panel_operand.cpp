#include "core/cpu/products/panel_operand.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "core/base/check.h"

namespace bellman::cpu {
namespace {

constexpr Index kRowsAhead = 12;  // prefetched while one is copied
constexpr Index kLine = 16;       // floats

/// One row, of whole panels of a width that is known when compiled.
template <Index kWidth>
void copy_whole(float* panels, Index panel_stride, const float* row, Index columns) {
  for (Index j = 0; j < columns; j += kWidth, panels += panel_stride)
    for (Index lane = 0; lane < kWidth; ++lane) panels[lane] = row[j + lane];
}

}  // namespace

void gather_rows(const Kernels& kernels, float* panel, const float* rows, Index stride, Index length,
                 Index count) {
  static constexpr std::array<Index, kMaxPanel> kInOrder = [] {
    std::array<Index, kMaxPanel> order{};
    std::iota(order.begin(), order.end(), Index{0});
    return order;
  }();
  BELLMAN_CHECK(count <= kMaxPanel);
  kernels.gather(panel, rows, kInOrder.data(), stride, length, count);
}

void copy_panels(const Kernels& kernels, float* panels, const float* rows, Index stride, Index length,
                 Index columns) {
  const Index width = kernels.panel, whole = columns / width * width;
  for (Index s = 0; s < length; ++s, rows += stride, panels += width) {
    if (s + kRowsAhead < length)
      for (Index j = 0; j < columns; j += kLine) __builtin_prefetch(rows + kRowsAhead * stride + j);
    if (width == 32)
      copy_whole<32>(panels, length * width, rows, whole);
    else if (width == 16)
      copy_whole<16>(panels, length * width, rows, whole);
    else
      copy_whole<8>(panels, length * width, rows, whole);
    float* const last = panels + whole * length;
    if (whole < columns) std::fill(std::copy(rows + whole, rows + columns, last), last + width, 0.0F);
  }
}

}  // namespace bellman::cpu
