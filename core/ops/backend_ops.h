// Each op once: the shapes and settings that it accepts, and the list that backends are declared from.
// check_<op> takes the op's tensors in the same order, and the settings that can be wrong; core/ops/backend.h
// calls it before the backend's do_<op>. What passes can be computed without access outside a tensor.
//
// Throws: Error, naming the op, the argument and both shapes: "dense_forward: x (3,5) has 5 columns but
// w (64,4) expects 4". Allocates nothing when all is well.
#pragma once

#include <cstdint>

#include "core/base/check.h"
#include "core/base/tensor.h"
#include "core/ops/op_options.h"

namespace bellman {

/// A tensor's shape, and whether there is a tensor: all that a check needs. Converts from any view, and must
/// not outlive it.
class Operand {
 public:
  template <class T>
  Operand(const TensorView<T>& view) : shape_(view.shape()), given_(bool(view)) {}  // NOLINT

  const Shape& shape() const { return shape_; }
  explicit operator bool() const { return given_; }

 private:
  const Shape& shape_;
  bool given_;
};

void check_fill(const Operand& x);
void check_add(const Operand& y, const Operand& x);

void check_dense_forward(const Operand& y, const Operand& x, const Operand& w, const Operand& b);
void check_dense_backward(const Operand& dx, const Operand& dw, const Operand& db, const Operand& dy,
                          const Operand& x, const Operand& w);

/// The shape (B,O,OH,OW) of the convolution of x(B,C,H,W) with w(O,C,KH,KW). Throws: Error that names `op`,
/// when the window is impossible, does not fit the image or does not match w.
Shape checked_conv2d_output(const char* op, const Shape& x, const Shape& w, const Window& window);
/// The shape (B,C,OH,OW) of pooled x(B,C,H,W). The padding must be smaller than the kernel, so that every
/// window holds a pixel.
Shape checked_max_pool2d_output(const char* op, const Shape& x, const Window& window);

void check_conv2d_forward(const Operand& y, const Operand& x, const Operand& w, const Operand& b,
                          const Window& window);
void check_conv2d_backward(const Operand& dx, const Operand& dw, const Operand& db, const Operand& dy,
                           const Operand& x, const Operand& w, const Window& window);
/// `elements` is the result of the backend's conv2d_scratch; when it is 0, scratch may be no tensor.
void check_scratch(const char* op, const Operand& scratch, Index elements);
void check_max_pool2d_forward(const Operand& y, const Operand& x, const Window& window);
void check_max_pool2d_backward(const Operand& dx, const Operand& dy, const Operand& x, const Window& window);

/// The message names the function: "relu_forward".
void check_activation_forward(const Operand& y, const Operand& x, Activation f);
void check_activation_backward(const Operand& dx, const Operand& dy, const Operand& kept, Activation f);

void check_layer_norm_forward(const Operand& y, const Operand& mean, const Operand& rstd, const Operand& x,
                              const Operand& gamma, const Operand& beta, double epsilon);
void check_layer_norm_backward(const Operand& dx, const Operand& dgamma, const Operand& dbeta,
                               const Operand& dy, const Operand& x, const Operand& gamma, const Operand& mean,
                               const Operand& rstd);

void check_dueling_forward(const Operand& q, const Operand& v, const Operand& a);
void check_dueling_backward(const Operand& dv, const Operand& da, const Operand& dq);

void check_argmax(const Operand& action, const Operand& q);
template <class T>
void check_td_target(const Operand& y, const TdTargetInputs<T>& in);
void check_td_loss(const Operand& dq, const Operand& td_error, const Operand& loss, const Operand& q,
                   const Operand& action, const Operand& y, const Operand& weight, LossKind kind,
                   double delta);
void check_softmax_cross_entropy(const Operand& dlogits, const Operand& loss, const Operand& logits,
                                 const Operand& label);

void check_global_norm(const Operand& norm, const Operand& g);
void check_clip_by_global_norm(const Operand& g, const Operand& norm, double max_norm);
void check_guard_step(const Operand& guard, const Operand& loss, const Operand& g);
void check_adam_step(const Operand& p, const Operand& m, const Operand& v, const Operand& g,
                     double learning_rate, Index step, const AdamOptions& options,
                     const Operand& guard = IntTensor());
void check_rmsprop_step(const Operand& p, const Operand& square, const Operand& mean, const Operand& velocity,
                        const Operand& g, double learning_rate, const RmsPropOptions& options,
                        const Operand& guard = IntTensor());
void check_sgd_step(const Operand& p, const Operand& velocity, const Operand& g, double learning_rate,
                    Index step, const SgdOptions& options, const Operand& guard = IntTensor());
void check_polyak_update(const Operand& target, const Operand& online, double tau);

/// For backends on the host: values(B), actions or labels, must all be in 0 .. count-1.
/// Throws: Error: "td_loss: action[3] is 7 but there are 2".
inline void check_indices(const char* op, const char* name, ConstIntTensor values, Index count) {
  const std::int32_t* value = values.data();
  for (Index n = 0; n < values.elements(); ++n)
    if (value[n] < 0 || value[n] >= count)
      fail(op, ": ", name, "[", n, "] is ", value[n], " but there are ", count);
}

/// A backend's ops: pure virtual in core/ops/backend.h, overridden by every backend. A backend that omits one
/// does not link. The class that expands the list names Out, In and Number as BasicBackend does.
#define BELLMAN_BACKEND_OPS(BEGIN, END)                                                                     \
  BEGIN void do_fill(Out x, Number value) END;                                                              \
  BEGIN void do_add(Out y, In x) END;                                                                       \
  BEGIN void do_dense_forward(Out y, In x, In w, In b) END;                                                 \
  BEGIN void do_dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) END;                              \
  BEGIN Index do_conv2d_scratch(const Shape& x, const Shape& w, const Window& window) const END;            \
  BEGIN void do_conv2d_forward(Out y, In x, In w, In b, const Window& window, Out scratch) END;             \
  BEGIN void do_conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window,            \
                                Out scratch) END;                                                           \
  BEGIN void do_max_pool2d_forward(Out y, In x, const Window& window) END;                                  \
  BEGIN void do_max_pool2d_backward(Out dx, In dy, In x, const Window& window) END;                         \
  BEGIN void do_activation_forward(Out y, In x, Activation f) END;                                          \
  BEGIN void do_activation_backward(Out dx, In dy, In kept, Activation f) END;                              \
  BEGIN void do_layer_norm_forward(Out y, Out mean, Out rstd, In x, In gamma, In beta, Number epsilon) END; \
  BEGIN void do_layer_norm_backward(Out dx, Out dgamma, Out dbeta, In dy, In x, In gamma, In mean, In rstd) \
      END;                                                                                                  \
  BEGIN void do_dueling_forward(Out q, In v, In a) END;                                                     \
  BEGIN void do_dueling_backward(Out dv, Out da, In dq) END;                                                \
  BEGIN void do_argmax(IntTensor action, In q) END;                                                         \
  BEGIN void do_td_target(Out y, const TdTargetInputs<Number>& in) END;                                     \
  BEGIN void do_td_loss(Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y, In weight,       \
                        LossKind kind, Number delta) END;                                                   \
  BEGIN void do_softmax_cross_entropy(Out dlogits, Out loss, In logits, ConstIntTensor label) END;          \
  BEGIN void do_global_norm(Out norm, In g) END;                                                            \
  BEGIN void do_clip_by_global_norm(Out g, In norm, Number max_norm) END;                                   \
  BEGIN void do_guard_step(IntTensor guard, In loss, In g, SkipPolicy holding) END;                         \
  BEGIN void do_adam_step(Out p, Out m, Out v, In g, Number learning_rate, Index step,                      \
                          const AdamOptions& options, IntTensor guard) END;                                 \
  BEGIN void do_rmsprop_step(Out p, Out square, Out mean, Out velocity, In g, Number learning_rate,         \
                             const RmsPropOptions& options, IntTensor guard) END;                           \
  BEGIN void do_sgd_step(Out p, Out velocity, In g, Number learning_rate, Index step,                       \
                         const SgdOptions& options, IntTensor guard) END;                                   \
  BEGIN void do_polyak_update(Out target, In online, Number tau) END;

}  // namespace bellman
