// The products of a dense layer whose weights are too many for the caches, each reading them once, in order:
//   y(B,O)^T  = w(O,I) x(B,I)^T + b      left: w, a row an output    right: x, a lane a sample
//   dw(O,I)  += dy(B,O)^T x(B,I)         left: dy, a row an output   right: x, a lane an input
//   dx(B,I)   = dy(B,O) w(O,I)           left: dy, a row a sample    right: w, a lane an input
// A general product would turn the weights into panels; these turn the few samples. Work is cut in outputs
// or inputs, which changes no sum: each has one order for given sizes.
#pragma once

#include "core/base/tensor.h"
#include "core/cpu/fused/kernels.h"

namespace bellman::cpu {

class PanelDense {
 public:
  /// REQUIRES: kernels outlive it.
  PanelDense(const fused::Kernels& kernels, Index batch, Index inputs, Index outputs)
      : kernels_(kernels), batch_(batch), inputs_(inputs), outputs_(outputs) {}

  /// Outputs that forward takes at once, at most: it keeps them on the stack.
  static constexpr Index kMaxOutputs = 512;

  /// Outputs first .. first + count of y(B,O), overwritten. REQUIRES: count <= kMaxOutputs.
  void forward(float* y, const float* x, const float* w, const float* b, Index first, Index count) const;
  /// Rows first .. first + count of dw(O,I), accumulated.
  void weight_gradient(float* dw, const float* dy, const float* x, Index first, Index count) const;
  /// Columns first .. first + count of dx(B,I), overwritten.
  void input_gradient(float* dx, const float* dy, const float* w, Index first, Index count) const;

 private:
  const fused::Kernels& kernels_;
  Index batch_, inputs_, outputs_;
};

}  // namespace bellman::cpu
