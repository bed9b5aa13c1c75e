#include "core/reference/reference_backend.h"

#include <cstring>

#include "core/base/memory.h"
#include "core/reference/activations.h"
#include "core/reference/arena_ops.h"
#include "core/reference/images.h"
#include "core/reference/layers.h"
#include "core/reference/losses.h"
#include "core/reference/optimizers.h"

namespace bellman {

template <class T>
void ReferenceBackend<T>::do_fill(Out x, T value) {
  reference::fill(x, value);
}

template <class T>
void ReferenceBackend<T>::do_add(Out y, In x) {
  reference::add(y, x);
}

template <class T>
void ReferenceBackend<T>::do_dense_forward(Out y, In x, In w, In b) {
  reference::dense_forward(y, x, w, b);
}

template <class T>
void ReferenceBackend<T>::do_dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) {
  reference::dense_backward(dx, dw, db, dy, x, w);
}

template <class T>
Index ReferenceBackend<T>::do_conv2d_scratch(const Shape& /*x*/, const Shape& /*w*/,
                                             const Window& /*window*/) const {
  return 0;
}

template <class T>
void ReferenceBackend<T>::do_conv2d_forward(Out y, In x, In w, In b, const Window& window, Out /*scratch*/) {
  reference::conv2d_forward(y, x, w, b, window);
}

template <class T>
void ReferenceBackend<T>::do_conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window,
                                             Out /*scratch*/) {
  reference::conv2d_backward(dx, dw, db, dy, x, w, window);
}

template <class T>
void ReferenceBackend<T>::do_max_pool2d_forward(Out y, In x, const Window& window) {
  reference::max_pool2d_forward(y, x, window);
}

template <class T>
void ReferenceBackend<T>::do_max_pool2d_backward(Out dx, In dy, In x, const Window& window) {
  reference::max_pool2d_backward(dx, dy, x, window);
}

template <class T>
void ReferenceBackend<T>::do_activation_forward(Out y, In x, Activation f) {
  reference::activation_forward<T>(y, x, f);
}

template <class T>
void ReferenceBackend<T>::do_activation_backward(Out dx, In dy, In kept, Activation f) {
  reference::activation_backward<T>(dx, dy, kept, f);
}

template <class T>
void ReferenceBackend<T>::do_layer_norm_forward(Out y, Out mean, Out rstd, In x, In gamma, In beta,
                                                T epsilon) {
  reference::layer_norm_forward(y, mean, rstd, x, gamma, beta, epsilon);
}

template <class T>
void ReferenceBackend<T>::do_layer_norm_backward(Out dx, Out dgamma, Out dbeta, In dy, In x, In gamma,
                                                 In mean, In rstd) {
  reference::layer_norm_backward(dx, dgamma, dbeta, dy, x, gamma, mean, rstd);
}

template <class T>
void ReferenceBackend<T>::do_dueling_forward(Out q, In v, In a) {
  reference::dueling_forward(q, v, a);
}

template <class T>
void ReferenceBackend<T>::do_dueling_backward(Out dv, Out da, In dq) {
  reference::dueling_backward(dv, da, dq);
}

template <class T>
void ReferenceBackend<T>::do_argmax(IntTensor action, In q) {
  reference::argmax(action, q);
}

template <class T>
void ReferenceBackend<T>::do_td_target(Out y, const TdTargetInputs<T>& in) {
  reference::td_target(y, in);
}

template <class T>
void ReferenceBackend<T>::do_td_loss(Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y,
                                     In weight, LossKind kind, T delta) {
  reference::td_loss(dq, td_error, loss, q, action, y, weight, kind, delta);
}

template <class T>
void ReferenceBackend<T>::do_softmax_cross_entropy(Out dlogits, Out loss, In logits, ConstIntTensor label) {
  reference::softmax_cross_entropy(dlogits, loss, logits, label);
}

template <class T>
void ReferenceBackend<T>::do_global_norm(Out norm, In g) {
  reference::global_norm(norm, g);
}

template <class T>
void ReferenceBackend<T>::do_clip_by_global_norm(Out g, In norm, T max_norm) {
  reference::clip_by_global_norm(g, norm, max_norm);
}

template <class T>
void ReferenceBackend<T>::do_guard_step(IntTensor guard, In loss, In g, SkipPolicy policy) {
  reference::guard_step<T>(guard, loss, g, policy);
}

template <class T>
void ReferenceBackend<T>::do_adam_step(Out p, Out m, Out v, In g, T learning_rate, Index step,
                                       const AdamOptions& options, IntTensor guard) {
  if (reference::is_held(guard)) return;
  reference::adam_step(p, m, v, g, learning_rate, reference::number_of_step(step, guard), options);
  for (const Out& written : {p, m, v}) reference::note_overflow<T>(guard, written);
}

template <class T>
void ReferenceBackend<T>::do_rmsprop_step(Out p, Out square, Out mean, Out velocity, In g, T learning_rate,
                                          const RmsPropOptions& options, IntTensor guard) {
  if (reference::is_held(guard)) return;
  reference::rmsprop_step(p, square, mean, velocity, g, learning_rate, options);
  for (const Out& written : {p, square, mean, velocity}) reference::note_overflow<T>(guard, written);
}

template <class T>
void ReferenceBackend<T>::do_sgd_step(Out p, Out velocity, In g, T learning_rate, Index step,
                                      const SgdOptions& options, IntTensor guard) {
  if (reference::is_held(guard)) return;
  reference::sgd_step(p, velocity, g, learning_rate, reference::number_of_step(step, guard), options);
  for (const Out& written : {p, velocity}) reference::note_overflow<T>(guard, written);
}

template <class T>
void ReferenceBackend<T>::do_polyak_update(Out target, In online, T tau) {
  reference::polyak_update(target, online, tau);
}

template class ReferenceBackend<float>;
template class ReferenceBackend<double>;

}  // namespace bellman
