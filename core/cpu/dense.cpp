// Dense layers: general products of matrices, and products of panels where the weights do not fit the caches.
#include <algorithm>

#include "core/base/check.h"
#include "core/cpu/cpu_backend.h"
#include "core/cpu/products/panel_operand.h"
#include "core/cpu/thread_pool.h"

namespace bellman {
namespace {

using cpu::copy_panels;
using cpu::gather_rows;
using cpu::kMaxPanel;
using cpu::kRightOperand;
using cpu::row_major;

constexpr Index kManyWeights = Index{1} << 18;  // 1 MiB: too many for an L2 cache
constexpr Index kSomeSamples = 8;               // enough to fill lanes with samples

// Blocks of c that threads share: whole tiles of gemm_tiled for every width of vector.
constexpr Index kBlockRows = 96;
constexpr Index kBlockColumns = 64;

constexpr Index kOperand = 4 * kRightOperand;  // floats of several right operands, one used after the other

// The products of a dense layer whose weights are too many for the caches, each reading them once, in order:
//   y(B,O)^T  = w(O,I) x(B,I)^T + b      left: w, a row an output    right: x, a lane a sample
//   dw(O,I)  += dy(B,O)^T x(B,I)         left: dy, a row an output   right: x, a lane an input
//   dx(B,I)   = dy(B,O) w(O,I)           left: dy, a row a sample    right: w, a lane an input
// A general product would copy the weights into panels; these copy the few samples. Work is divided by outputs or inputs, which
// changes no sum: each has one order for given sizes.
class PanelDense {
 public:
  /// REQUIRES: kernels outlive it.
  PanelDense(const cpu::Kernels& kernels, Index batch, Index inputs, Index outputs)
      : kernels_(kernels), batch_(batch), inputs_(inputs), outputs_(outputs) {}

  /// The most outputs of one call of forward, which keeps them on the stack.
  static constexpr Index kMaxOutputs = 512;

  /// Outputs first .. first + count of y(B,O), overwritten. REQUIRES: count <= kMaxOutputs.
  void forward(float* y, const float* x, const float* w, const float* b, Index first, Index count) const;
  /// Rows first .. first + count of dw(O,I), accumulated.
  void weight_gradient(float* dw, const float* dy, const float* x, Index first, Index count) const;
  /// Columns first .. first + count of dx(B,I), overwritten.
  void input_gradient(float* dx, const float* dy, const float* w, Index first, Index count) const;

 private:
  const cpu::Kernels& kernels_;
  Index batch_, inputs_, outputs_;
};

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

// A few rows of dw along many panels of x, then the next rows: dw is read and written in order.
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

// Several panels of weights at a time: neighbouring rows of w lie in different pages, and each visit reads more of one.
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

bool CpuBackend::takes_panels(Index B, Index I, Index O) const {
  return products_ == Products::kTiled && B >= kSomeSamples && I * O >= kManyWeights;
}

/// f(begin, count) for `n` outputs or inputs, divided evenly among the threads in whole panels.
template <class F>
void CpuBackend::share(Index n, Index most, const F& f) {
  constexpr Index kPart = 32;
  const Index even = (n + threads() - 1) / threads();
  cpu::for_each_chunk(pool_, n, std::min(most, (even + kPart - 1) / kPart * kPart), f);
}

void CpuBackend::do_dense_forward(Out y, In x, In w, In b) {
  const Index B = x[0], I = x[1], O = w[0];
  if (takes_panels(B, I, O))
    return share(O, PanelDense::kMaxOutputs, [&](Index first, Index count) {
      PanelDense(kernels_, B, I, O).forward(y.data(), x.data(), w.data(), b.data(), first, count);
    });
  multiply(row_major(y.data(), B, O), row_major(x.data(), B, I), row_major(w.data(), O, I).transposed(),
           {.accumulate = false, .bias = b.data()});
}

// The three sums of core/reference/layers.h are products of matrices:
//   dw(O,I) += dy(B,O)^T x(B,I)      db(O) += the column sums of dy      dx(B,I) = dy(B,O) w(O,I)
void CpuBackend::do_dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) {
  const Index B = x[0], I = x[1], O = w[0];
  const cpu::Matrix<const float> dy_matrix = row_major(dy.data(), B, O);
  pool_.run(1, [&](Index, int) { cpu::add_column_sums(db.data(), dy_matrix); });
  if (takes_panels(B, I, O)) {
    const PanelDense dense(kernels_, B, I, O);
    share(O, O, [&](Index first, Index count) {
      dense.weight_gradient(dw.data(), dy.data(), x.data(), first, count);
    });
    if (dx)
      share(I, I, [&](Index first, Index count) {
        dense.input_gradient(dx.data(), dy.data(), w.data(), first, count);
      });
    return;
  }
  multiply(row_major(dw.data(), O, I), dy_matrix.transposed(), row_major(x.data(), B, I),
           {.accumulate = true, .bias = nullptr});
  if (dx) multiply(row_major(dx.data(), B, I), dy_matrix, row_major(w.data(), O, I));
}

}  // namespace bellman
