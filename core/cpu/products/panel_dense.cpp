#include "core/cpu/products/panel_dense.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/cpu/products/panel_operand.h"

namespace bellman::cpu {

namespace {

constexpr Index kOperand = 4 * kRightOperand;  // floats of several right operands, one used after the other

}  // namespace

void PanelDense::forward(float* y, const float* x, const float* w, const float* b, Index first,
                         Index count) const {
  BELLMAN_CHECK(count <= kMaxOutputs);
  alignas(64) float samples[kRightOperand];         // (depth, panel)
  alignas(64) float sums[kMaxOutputs * kMaxPanel];  // (count, panel)
  const Index panel = kernels_.panel, depth = kRightOperand / panel;
  for (Index n = 0; n < batch_; n += panel) {
    const Index columns = std::min(panel, batch_ - n);
    for (Index o = 0; o < count; ++o) std::fill_n(sums + o * panel, panel, b[first + o]);
    for (Index i = 0; i < inputs_; i += depth) {
      const Index steps = std::min(depth, inputs_ - i);
      gather_rows(kernels_, samples, x + n * inputs_ + i, inputs_, steps, columns);
      kernels_.panel_product({.left = w + first * inputs_ + i,
                              .rows_at = {{1, 1, count}, {0, 0, inputs_}},
                              .steps_at = {{1, 1, steps}, {0, 0, 1}},
                              .first = 0,
                              .rows = count,
                              .right = samples,
                              .right_stride = panel,
                              .c = sums,
                              .c_strides = {0, 0, panel},
                              .columns = columns > panel / 2 ? panel : panel / 2,
                              .accumulate = true,
                              .bias = nullptr});
    }
    kernels_.panel_columns({.to = y + n * outputs_ + first,
                            .to_stride = outputs_,
                            .rectified = nullptr,
                            .from = sums,
                            .rows = count,
                            .columns = columns,
                            .accumulate = false});
  }
}

// A few rows of dw along many panels of x, then the next rows: what is added to is read and written in order.
void PanelDense::weight_gradient(float* dw, const float* dy, const float* x, Index first, Index count) const {
  constexpr Index kRows = 12;          // of dw: a whole number of tiles for every instruction set
  alignas(64) float inputs[kOperand];  // (panels, steps, panel)
  const Index panel = kernels_.panel, depth = std::min(batch_, kRightOperand / panel);
  const Index width = kOperand / (depth * panel) * panel;
  for (Index i = 0; i < inputs_; i += width)
    for (Index n = 0; n < batch_; n += depth) {
      const Index steps = std::min(depth, batch_ - n), columns = std::min(width, inputs_ - i);
      copy_panels(kernels_, inputs, x + n * inputs_ + i, inputs_, steps, columns);
      for (Index o = first; o < first + count; o += kRows)
        for (Index j = 0; j < columns; j += panel) {
          const Index rows = std::min(kRows, first + count - o);
          kernels_.panel_product({.left = dy + n * outputs_ + o,
                                  .rows_at = {{1, 1, rows}, {0, 0, 1}},
                                  .steps_at = {{1, 1, steps}, {0, 0, outputs_}},
                                  .first = 0,
                                  .rows = rows,
                                  .right = inputs + j * steps,
                                  .right_stride = panel,
                                  .c = dw + o * inputs_ + i + j,
                                  .c_strides = {0, 0, inputs_},
                                  .columns = std::min(panel, columns - j),
                                  .accumulate = true,
                                  .bias = nullptr});
        }
    }
}

// Several panels of weights at a time: neighbouring rows of w lie in different pages, and each visit brings
// more of one.
void PanelDense::input_gradient(float* dx, const float* dy, const float* w, Index first, Index count) const {
  alignas(64) float weights[kOperand];  // (panels, steps, panel)
  const Index panel = kernels_.panel, depth = std::min(outputs_, kRightOperand / panel);
  const Index width = kOperand / (depth * panel) * panel;
  for (Index i = first; i < first + count; i += width) {
    const Index columns = std::min(width, first + count - i);
    for (Index o = 0; o < outputs_; o += depth) {
      const Index steps = std::min(depth, outputs_ - o);
      copy_panels(kernels_, weights, w + o * inputs_ + i, inputs_, steps, columns);
      for (Index j = 0; j < columns; j += panel)
        kernels_.panel_product({.left = dy + o,
                                .rows_at = {{1, 1, batch_}, {0, 0, outputs_}},
                                .steps_at = {{1, 1, steps}, {0, 0, 1}},
                                .first = 0,
                                .rows = batch_,
                                .right = weights + j * steps,
                                .right_stride = panel,
                                .c = dx + i + j,
                                .c_strides = {0, 0, inputs_},
                                .columns = std::min(panel, columns - j),
                                .accumulate = o > 0,
                                .bias = nullptr});
    }
  }
}

}  // namespace bellman::cpu
