#include <algorithm>

#include "core/cpu/chunks.h"
#include "core/cpu/cpu_backend.h"
#include "core/cpu/products/panel_dense.h"
#include "core/cpu/sums.h"

namespace bellman {
namespace {

using cpu::PanelDense;
using cpu::row_major;

constexpr Index kManyWeights = Index{1} << 18;  // 1 MiB: what a second cache no longer holds
constexpr Index kSomeSamples = 8;               // from so many on, lanes are worth filling with samples

}  // namespace

bool CpuBackend::takes_panels(Index B, Index I, Index O) const {
  return products_ == Products::kTiled && B >= kSomeSamples && I * O >= kManyWeights;
}

/// f(begin, count) for `n` outputs or inputs, shared evenly by the threads, by whole panels.
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
