#include "core/cpu/cpu_backend.h"
#include "core/cpu/sums.h"
#include "core/op_shapes.h"

namespace bellman {

using cpu::row_major;

void CpuBackend::dense_forward(Out y, In x, In w, In b) {
  check_dense_forward(y, x, w, b);
  const Index B = x[0], I = x[1], O = w[0];
  multiply(row_major(y.data(), B, O), row_major(x.data(), B, I), row_major(w.data(), O, I).transposed(),
           {.accumulate = false, .bias = b.data()});
}

// The three sums of core/reference/dense.h are products of matrices:
//   dw(O,I) += dy(B,O)^T x(B,I)      db(O) += the column sums of dy      dx(B,I) = dy(B,O) w(O,I)
void CpuBackend::dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) {
  check_dense_backward(dx, dw, db, dy, x, w);
  const Index B = x[0], I = x[1], O = w[0];
  const cpu::Matrix<const float> dy_matrix = row_major(dy.data(), B, O);
  multiply(row_major(dw.data(), O, I), dy_matrix.transposed(), row_major(x.data(), B, I),
           {.accumulate = true, .bias = nullptr});
  pool_.run(1, [&](Index, int) { cpu::add_column_sums(db.data(), dy_matrix); });
  if (dx) multiply(row_major(dx.data(), B, I), dy_matrix, row_major(w.data(), O, I));
}

}  // namespace bellman
