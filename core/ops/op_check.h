// The building blocks of the checks that core/ops/backend_ops.h and core/ops/replay_ops.h declare.
#pragma once

#include <cmath>
#include <limits>

#include "core/base/check.h"
#include "core/base/tensor.h"
#include "core/ops/backend_ops.h"

namespace bellman {

/// The checks of one op, whose name begins the messages.
class OpCheck {
 public:
  /// The limit of kernels, strides and paddings, with which no sum of them overflows.
  static constexpr Index kLargestWindow = Index{1} << 30;

  /// The op's name is `op` with `suffix` after it.
  explicit OpCheck(const char* op, const char* suffix = "") : op_(op), suffix_(suffix) {}

  template <class... Parts>
  [[noreturn]] void wrong(const Parts&... parts) const {
    fail(op_, suffix_, ": ", parts...);
  }

  void given(const char* name, const Operand& t) const {
    if (!t) wrong(name, " is missing");
  }

  /// `letters` are the extents' names: "(B,I)".
  void rank(const char* name, const Operand& t, int rank, const char* letters) const {
    given(name, t);
    if (t.shape().rank() != rank)
      wrong(name, " has shape ", t.shape(), " but ", letters, " is expected: ", rank,
            rank == 1 ? " dimension" : " dimensions");
  }

  void same(const char* name, const Operand& t, const char* other_name, const Operand& other) const {
    given(name, t);
    if (t.shape() != other.shape())
      wrong(name, " has shape ", t.shape(), " but ", other_name, " has ", other.shape());
  }

  /// t has the shape `expected`, which follows from `reasons`: alternating names and shapes.
  template <class... Reasons>
  void shape(const char* name, const Operand& t, const Shape& expected, const Reasons&... reasons) const {
    given(name, t);
    if (t.shape() != expected)
      wrong(name, " has shape ", t.shape(), " but ", expected, " follows from ", reasons...);
  }

  void scalar(const char* name, const Operand& t) const {
    given(name, t);
    if (t.shape().elements() != 1) wrong(name, " has shape ", t.shape(), " but (1) is expected");
  }

  /// t has at least one element.
  void not_empty(const char* name, const Operand& t) const {
    if (t.shape().elements() == 0) wrong(name, " has shape ", t.shape(), ", which holds no elements");
  }

  void finite(const char* name, double value) const {
    if (!std::isfinite(value)) wrong(name, " is ", value, " but must be finite");
  }

  void positive(const char* name, double value) const {
    if (!(value > 0.0)) wrong(name, " is ", value, " but must be above 0");
  }

  void not_negative(const char* name, double value) const {
    if (!(value >= 0.0 && std::isfinite(value)))
      wrong(name, " is ", value, " but must be at least 0 and finite");
  }

  void decay_rate(const char* name, double value) const {
    if (!(value >= 0.0 && value < 1.0)) wrong(name, " is ", value, " but must be at least 0 and below 1");
  }

  // Where gradients are always zero (dead units, an arena's gaps) the step is 0 / epsilon: epsilon must not
  // be zero, not even as a float.
  void denominator_epsilon(double value) const {
    const double smallest = std::numeric_limits<float>::min();
    if (!(value >= smallest && std::isfinite(value)))
      wrong("epsilon is ", value, " but must be at least ", smallest, " and finite");
  }

  void step_number(Index step) const {
    if (step < 1) wrong("step is ", step, " but steps count from 1");
  }

  /// A buffer that must be given exactly when the options use it.
  void optional(const char* name, const Operand& t, const Operand& p, bool used, const char* option) const {
    if (used)
      same(name, t, "p", p);
    else if (t)
      wrong(name, " is given, of shape ", t.shape(), ", but ", option, " is off");
  }

  void window(const Window& w, const char* x_name, const Shape& x) const {
    extent("kernel", w.kernel_h, w.kernel_w, 1);
    extent("stride", w.stride_h, w.stride_w, 1);
    extent("padding", w.padding_h, w.padding_w, 0);
    if (w.output_h(x[2]) < 1 || w.output_w(x[3]) < 1)
      wrong("a window of ", w.kernel_h, "x", w.kernel_w, " does not fit ", x_name, " ", x, " with padding ",
            w.padding_h, "x", w.padding_w);
  }

 private:
  void extent(const char* name, Index h, Index w, Index smallest) const {
    if (h < smallest || w < smallest || h > kLargestWindow || w > kLargestWindow)
      wrong("the window's ", name, " is ", h, "x", w, " but must be from ", smallest, " to ", kLargestWindow);
  }

  const char *op_, *suffix_;
};

}  // namespace bellman
