// The backend of definitions: every op as plain loops over host memory, in float or double. Slow on purpose;
// every other backend is held against it.
#pragma once

#include "core/backend.h"

namespace bellman {

template <class T>
class ReferenceBackend : public BasicBackend<T> {
 public:
  using typename BasicBackend<T>::Out;
  using typename BasicBackend<T>::In;

  const char* name() const override { return "reference"; }

  void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;
  void upload(void* destination, const void* host_source, std::size_t bytes) override;
  void download(void* host_destination, const void* source, std::size_t bytes) override;
  void copy(void* destination, const void* source, std::size_t bytes) override;

  void fill(Out x, T value) override;
  void add(Out y, In x) override;

  void dense_forward(Out y, In x, In w, In b) override;
  void dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) override;

  /// 0: the plain loops need none.
  Index conv2d_scratch(const Shape& x, const Shape& w, const Window& window) const override;
  void conv2d_forward(Out y, In x, In w, In b, const Window& window, Out scratch) override;
  void conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window, Out scratch) override;
  void max_pool2d_forward(Out y, In x, const Window& window) override;
  void max_pool2d_backward(Out dx, In dy, In x, const Window& window) override;

  void relu_forward(Out y, In x) override;
  void relu_backward(Out dx, In dy, In y) override;
  void leaky_relu_forward(Out y, In x, T slope) override;
  void leaky_relu_backward(Out dx, In dy, In x, T slope) override;
  void tanh_forward(Out y, In x) override;
  void tanh_backward(Out dx, In dy, In y) override;
  void sigmoid_forward(Out y, In x) override;
  void sigmoid_backward(Out dx, In dy, In y) override;

  void layer_norm_forward(Out y, Out mean, Out rstd, In x, In gamma, In beta, T epsilon) override;
  void layer_norm_backward(Out dx, Out dgamma, Out dbeta, In dy, In x, In gamma, In mean, In rstd) override;

  void dueling_forward(Out q, In v, In a) override;
  void dueling_backward(Out dv, Out da, In dq) override;

  void argmax(IntTensor action, In q) override;
  void td_target(Out y, In q_target, In q_online, In reward, In discount, In terminated) override;
  /// Throws: Error, too, for an action that is not in 0 .. A-1.
  void td_loss(Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y, In weight, LossKind kind,
               T delta) override;
  /// Throws: Error, too, for a label that is not in 0 .. O-1.
  void softmax_cross_entropy(Out dlogits, Out loss, In logits, ConstIntTensor label) override;

  void global_norm(Out norm, In g) override;
  void clip_by_global_norm(Out g, In norm, T max_norm) override;
  void guard_step(IntTensor guard, In loss, In g, Holding holding) override;
  void adam_step(Out p, Out m, Out v, In g, T learning_rate, Index step, const AdamOptions& options,
                 IntTensor guard = {}) override;
  void rmsprop_step(Out p, Out square, Out mean, Out velocity, In g, T learning_rate,
                    const RmsPropOptions& options, IntTensor guard = {}) override;
  void sgd_step(Out p, Out velocity, In g, T learning_rate, Index step, const SgdOptions& options,
                IntTensor guard = {}) override;
  void polyak_update(Out target, In online, T tau) override;
};

extern template class ReferenceBackend<float>;
extern template class ReferenceBackend<double>;

}  // namespace bellman
