// The list of a backend's ops: what core/ops/backend.h declares pure and every backend overrides. An op stands
// here once; a backend that leaves one out does not link. Shapes and options were checked (core/ops/op_shapes.h)
// before one of these is called: what comes in can be computed without reading or writing outside a tensor.
//
// In the class that uses it Out, In and Number are named (core/ops/backend.h).
#pragma once

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
  BEGIN void do_guard_step(IntTensor guard, In loss, In g, Holding holding) END;                            \
  BEGIN void do_adam_step(Out p, Out m, Out v, In g, Number learning_rate, Index step,                      \
                          const AdamOptions& options, IntTensor guard) END;                                 \
  BEGIN void do_rmsprop_step(Out p, Out square, Out mean, Out velocity, In g, Number learning_rate,         \
                             const RmsPropOptions& options, IntTensor guard) END;                           \
  BEGIN void do_sgd_step(Out p, Out velocity, In g, Number learning_rate, Index step,                       \
                         const SgdOptions& options, IntTensor guard) END;                                   \
  BEGIN void do_polyak_update(Out target, In online, Number tau) END;
