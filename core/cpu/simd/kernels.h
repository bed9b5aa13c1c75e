// The kernels of a learn step of small dense networks, and of convolutions. One source (kernels.cpp) is compiled once for each
// instruction set; the program chooses when it starts.
//
// Layout of activations: panels. A panel holds kPanel = 2 vectors of samples, feature by feature:
//
//   x[p][i][lane] = feature i of sample p kPanel + lane       "feature panels", (panels, features, kPanel)
//
// A product over features then reads and writes whole vectors, in order. A panel of a 64-wide layer has 8 KiB: it stays in the
// L1 cache from the layer that writes it to the layer that reads it. The gradient of wide weights, which sums over samples,
// needs the same numbers transposed:
//
//   xt[q][n][lane] = feature q kPanel + lane of sample n      "sample panels", (panels of features, rows, kPanel)
//
// The last panel may be partly filled. Only its vectors with a sample are computed. Their lanes without one must be finite in
// inputs and zero in gradients.
#pragma once

#include <cstdint>
#include <span>

#include "core/ops/op_options.h"  // the kinds alone: no function of it is called from a kernel

namespace bellman {
using Index = std::int64_t;  // as core/base/tensor.h, which is not included here: kernels.cpp says why
}

namespace bellman::cpu {

/// y = epilogue(x w^T + b): w(O,I) row-major, b(O).
struct DenseShape {
  Index inputs, outputs;
};

/// How an input gradient is written: added to what is there, then multiplied by the slope of the function that made x.
struct GradientWrite {
  bool accumulate = false;
  Activation::Kind made_by = Activation::kNone;
};

/// The factors of one step of Adam (core/reference/optimizers.h).
struct AdamFactors {
  float beta1, one_minus_beta1, beta2, one_minus_beta2, epsilon;
  float step_size, inverse_root_correction2;
  float l2, shrink;
  float gradient_scale;  // of clipping; 1 without
};

/// The Q-values and the transitions of one panel.
struct TdPanel {
  Index samples, actions;
  const float* q;          // (A,kPanel): Q(s, .; theta)
  const float* target_q;   // (A,kPanel): Q(s', .) that y is read from
  const float* chooser_q;  // (A,kPanel): Q(s', .) whose largest value names the action
  const float *action, *reward, *discount, *terminated, *weight;  // (samples); actions as floats
  bool huber;
  float delta;
  float batch;            // the mean's divisor
  float* dq;              // (A,kPanel) overwritten
  float* td_error;        // (samples) overwritten
  float *loss, *q_taken;  // (samples) overwritten: weight l(d), Q(s,a)
};

/// Offsets from a base, in three nested counts: (a,b,c) lies at a strides[0] + b strides[1] + c strides[2],
/// and the last count runs fastest.
struct Walk {
  Index counts[3];
  Index strides[3];
};

/// One panel of a product that reads its left operand in place:
///   c[r](kPanel) = start + sum over steps s of left[row(r) + step(s)] right[s](kPanel)
/// Computes rows first .. first + rows of the walk, and the first `columns` lanes of the panel: whole vectors of right are
/// read, and no lane of c beyond `columns` is written.
struct PanelProduct {
  const float* left;
  Walk rows_at, steps_at;  // where left's rows and steps lie
  Index first, rows;
  const float* right;  // step s at right + s right_stride
  Index right_stride;
  float* c;
  Index c_strides[3];  // where c's rows lie: in the counts of rows_at
  Index columns;       // 1 .. kPanel
  bool accumulate;     // start = what c holds
  const float* bias;   // else start = these kPanel numbers; null: 0
};

/// Columns of a panel become rows: to[j](rows) = lane j < columns of from(rows,kPanel), or to[j] + it with `accumulate`.
struct PanelColumns {
  float* to;
  Index to_stride;
  float* rectified;  // of to's layout: max(to, 0) is written here, too; null: it is not
  const float* from;
  Index rows, columns;
  bool accumulate;
};

struct Kernels {
  const char* name;  // "AVX-512"
  int panel;         // kPanel
  int narrow;  // outputs or inputs below which a weight gradient takes dot products, and no sample panels

  /// One panel, of `samples` <= kPanel: y(O,kPanel) from x(I,kPanel). Overwrites y.
  void (*forward)(float* y, const float* x, const float* w, const float* b, DenseShape shape, Index samples,
                  Activation::Kind epilogue);
  /// One panel: dx(I,kPanel) = [dx +] w^T dy, times the slope at x(I,kPanel).
  void (*input_gradient)(float* dx, const float* dy, const float* w, const float* x, DenseShape shape,
                         Index samples, GradientWrite write);
  /// Columns first .. first + kPanel of dw(O,I), overwritten, from all panels of dy and the sample panel of x
  /// (rows,kPanel) that holds those features.
  void (*weight_columns)(float* dw, const float* dy, const float* xt, DenseShape shape, Index first,
                         Index batch);
  /// dw(O,I) overwritten, from all panels of dy and of x. For inputs or outputs fewer than `narrow`.
  void (*narrow_weights)(float* dw, const float* dy, const float* x, DenseShape shape, Index batch);
  /// db(O) overwritten, from all panels of dy.
  void (*biases)(float* db, const float* dy, Index outputs, Index batch);
  /// One panel: rows n .. n + kPanel of the sample panels, from feature panels. REQUIRES: rows >= n + kPanel.
  void (*transpose)(float* xt, Index rows, Index n, const float* x, Index features, Index samples);

  /// One panel of inputs: sample n is the `features` numbers from rows + row[n] stride on, n < samples. The
  /// other lanes become zero.
  void (*gather)(float* panel, const float* rows, const Index* row, Index stride, Index features,
                 Index samples);

  /// y(O) of one sample x(I). Both have room for whole vectors; x is zero beyond I. Overwrites y, zero beyond
  /// O.
  void (*row)(float* y, const float* x, const float* w, const float* b, DenseShape shape,
              Activation::Kind epilogue);

  /// One panel of the dueling head, core/reference/layers.h: q(A), v(1), a(A), each times kPanel.
  void (*dueling_forward)(float* q, const float* v, const float* a, Index actions, Index samples);
  void (*dueling_backward)(float* dv, float* da, const float* dq, Index actions, Index samples);

  /// core/reference/losses.h for one panel.
  void (*td)(const TdPanel& panel);

  /// core/reference/optimizers.h, on n numbers; n is a multiple of 16. False when it wrote one that is not
  /// finite.
  bool (*adam)(float* p, float* m, float* v, const float* g, Index n, const AdamFactors& factors);
  /// Whether n numbers are finite; n is a multiple of 16.
  bool (*finite)(const float* x, Index n);
  /// The sum of n squares, in double; n is a multiple of 16.
  double (*sum_of_squares)(const float* g, Index n);

  // For convolutions (core/cpu/products/panel_conv.h), beside gather.
  void (*panel_product)(const PanelProduct& product);
  void (*panel_columns)(const PanelColumns& columns);
};

/// The tables that this processor can run, the fastest first; the portable one is always among them.
std::span<const Kernels* const> usable_kernels();

}  // namespace bellman::cpu
