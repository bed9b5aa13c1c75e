#include "core/reference/reference_backend.h"

#include <cstring>

#include "core/host_memory.h"
#include "core/op_shapes.h"
#include "core/reference/adam.h"
#include "core/reference/add.h"
#include "core/reference/argmax.h"
#include "core/reference/conv2d.h"
#include "core/reference/dense.h"
#include "core/reference/dueling.h"
#include "core/reference/fill.h"
#include "core/reference/global_norm.h"
#include "core/reference/guard_step.h"
#include "core/reference/layer_norm.h"
#include "core/reference/leaky_relu.h"
#include "core/reference/max_pool2d.h"
#include "core/reference/polyak.h"
#include "core/reference/relu.h"
#include "core/reference/rmsprop.h"
#include "core/reference/sgd.h"
#include "core/reference/sigmoid.h"
#include "core/reference/softmax_cross_entropy.h"
#include "core/reference/tanh.h"
#include "core/reference/td_loss.h"
#include "core/reference/td_target.h"

namespace bellman {

// ---- memory

template <class T>
void* ReferenceBackend<T>::allocate(std::size_t bytes) {
  return allocate_host_memory(bytes);
}

template <class T>
void ReferenceBackend<T>::release(void* memory) noexcept {
  release_host_memory(memory);
}

template <class T>
void ReferenceBackend<T>::upload(void* destination, const void* host_source, std::size_t bytes) {
  copy(destination, host_source, bytes);
}

template <class T>
void ReferenceBackend<T>::download(void* host_destination, const void* source, std::size_t bytes) {
  copy(host_destination, source, bytes);
}

template <class T>
void ReferenceBackend<T>::copy(void* destination, const void* source, std::size_t bytes) {
  if (bytes > 0) std::memcpy(destination, source, bytes);
}

// ---- ops: check, then run the definition

template <class T>
void ReferenceBackend<T>::fill(Out x, T value) {
  check_fill(x);
  reference::fill(x, value);
}

template <class T>
void ReferenceBackend<T>::add(Out y, In x) {
  check_add(y, x);
  reference::add(y, x);
}

template <class T>
void ReferenceBackend<T>::dense_forward(Out y, In x, In w, In b) {
  check_dense_forward(y, x, w, b);
  reference::dense_forward(y, x, w, b);
}

template <class T>
void ReferenceBackend<T>::dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) {
  check_dense_backward(dx, dw, db, dy, x, w);
  reference::dense_backward(dx, dw, db, dy, x, w);
}

template <class T>
Index ReferenceBackend<T>::conv2d_scratch(const Shape& x, const Shape& w, const Window& window) const {
  checked_conv2d_output("conv2d_scratch", x, w, window);
  return 0;
}

template <class T>
void ReferenceBackend<T>::conv2d_forward(Out y, In x, In w, In b, const Window& window, Out scratch) {
  check_conv2d_forward(y, x, w, b, window, scratch, 0);
  reference::conv2d_forward(y, x, w, b, window);
}

template <class T>
void ReferenceBackend<T>::conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window,
                                          Out scratch) {
  check_conv2d_backward(dx, dw, db, dy, x, w, window, scratch, 0);
  reference::conv2d_backward(dx, dw, db, dy, x, w, window);
}

template <class T>
void ReferenceBackend<T>::max_pool2d_forward(Out y, In x, const Window& window) {
  check_max_pool2d_forward(y, x, window);
  reference::max_pool2d_forward(y, x, window);
}

template <class T>
void ReferenceBackend<T>::max_pool2d_backward(Out dx, In dy, In x, const Window& window) {
  check_max_pool2d_backward(dx, dy, x, window);
  reference::max_pool2d_backward(dx, dy, x, window);
}

template <class T>
void ReferenceBackend<T>::relu_forward(Out y, In x) {
  check_relu_forward(y, x);
  reference::relu_forward(y, x);
}

template <class T>
void ReferenceBackend<T>::relu_backward(Out dx, In dy, In y) {
  check_relu_backward(dx, dy, y);
  reference::relu_backward(dx, dy, y);
}

template <class T>
void ReferenceBackend<T>::leaky_relu_forward(Out y, In x, T slope) {
  check_leaky_relu_forward(y, x, slope);
  reference::leaky_relu_forward(y, x, slope);
}

template <class T>
void ReferenceBackend<T>::leaky_relu_backward(Out dx, In dy, In x, T slope) {
  check_leaky_relu_backward(dx, dy, x, slope);
  reference::leaky_relu_backward(dx, dy, x, slope);
}

template <class T>
void ReferenceBackend<T>::tanh_forward(Out y, In x) {
  check_tanh_forward(y, x);
  reference::tanh_forward(y, x);
}

template <class T>
void ReferenceBackend<T>::tanh_backward(Out dx, In dy, In y) {
  check_tanh_backward(dx, dy, y);
  reference::tanh_backward(dx, dy, y);
}

template <class T>
void ReferenceBackend<T>::sigmoid_forward(Out y, In x) {
  check_sigmoid_forward(y, x);
  reference::sigmoid_forward(y, x);
}

template <class T>
void ReferenceBackend<T>::sigmoid_backward(Out dx, In dy, In y) {
  check_sigmoid_backward(dx, dy, y);
  reference::sigmoid_backward(dx, dy, y);
}

template <class T>
void ReferenceBackend<T>::layer_norm_forward(Out y, Out mean, Out rstd, In x, In gamma, In beta, T epsilon) {
  check_layer_norm_forward(y, mean, rstd, x, gamma, beta, epsilon);
  reference::layer_norm_forward(y, mean, rstd, x, gamma, beta, epsilon);
}

template <class T>
void ReferenceBackend<T>::layer_norm_backward(Out dx, Out dgamma, Out dbeta, In dy, In x, In gamma, In mean,
                                              In rstd) {
  check_layer_norm_backward(dx, dgamma, dbeta, dy, x, gamma, mean, rstd);
  reference::layer_norm_backward(dx, dgamma, dbeta, dy, x, gamma, mean, rstd);
}

template <class T>
void ReferenceBackend<T>::dueling_forward(Out q, In v, In a) {
  check_dueling_forward(q, v, a);
  reference::dueling_forward(q, v, a);
}

template <class T>
void ReferenceBackend<T>::dueling_backward(Out dv, Out da, In dq) {
  check_dueling_backward(dv, da, dq);
  reference::dueling_backward(dv, da, dq);
}

template <class T>
void ReferenceBackend<T>::argmax(IntTensor action, In q) {
  check_argmax(action, q);
  reference::argmax(action, q);
}

template <class T>
void ReferenceBackend<T>::td_target(Out y, In q_target, In q_online, In reward, In discount, In terminated) {
  check_td_target(y, q_target, q_online, reward, discount, terminated);
  reference::td_target(y, q_target, q_online, reward, discount, terminated);
}

template <class T>
void ReferenceBackend<T>::td_loss(Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y,
                                  In weight, LossKind kind, T delta) {
  check_td_loss(dq, td_error, loss, q, action, y, weight, kind, delta);
  reference::td_loss(dq, td_error, loss, q, action, y, weight, kind, delta);
}

template <class T>
void ReferenceBackend<T>::softmax_cross_entropy(Out dlogits, Out loss, In logits, ConstIntTensor label) {
  check_softmax_cross_entropy(dlogits, loss, logits, label);
  reference::softmax_cross_entropy(dlogits, loss, logits, label);
}

template <class T>
void ReferenceBackend<T>::global_norm(Out norm, In g) {
  check_global_norm(norm, g);
  reference::global_norm(norm, g);
}

template <class T>
void ReferenceBackend<T>::clip_by_global_norm(Out g, In norm, T max_norm) {
  check_clip_by_global_norm(g, norm, max_norm);
  reference::clip_by_global_norm(g, norm, max_norm);
}

template <class T>
void ReferenceBackend<T>::guard_step(IntTensor guard, In loss, In g, Holding holding) {
  check_guard_step(guard, loss, g);
  reference::guard_step<T>(guard, loss, g, holding);
}

template <class T>
void ReferenceBackend<T>::adam_step(Out p, Out m, Out v, In g, T learning_rate, Index step,
                                    const AdamOptions& options, IntTensor guard) {
  check_adam_step(p, m, v, g, learning_rate, step, options, guard);
  if (reference::is_held(guard)) return;
  reference::adam_step(p, m, v, g, learning_rate, reference::number_of_step(step, guard), options);
  for (const Out& written : {p, m, v}) reference::note_overflow<T>(guard, written);
}

template <class T>
void ReferenceBackend<T>::rmsprop_step(Out p, Out square, Out mean, Out velocity, In g, T learning_rate,
                                       const RmsPropOptions& options, IntTensor guard) {
  check_rmsprop_step(p, square, mean, velocity, g, learning_rate, options, guard);
  if (reference::is_held(guard)) return;
  reference::rmsprop_step(p, square, mean, velocity, g, learning_rate, options);
  for (const Out& written : {p, square, mean, velocity}) reference::note_overflow<T>(guard, written);
}

template <class T>
void ReferenceBackend<T>::sgd_step(Out p, Out velocity, In g, T learning_rate, Index step,
                                   const SgdOptions& options, IntTensor guard) {
  check_sgd_step(p, velocity, g, learning_rate, step, options, guard);
  if (reference::is_held(guard)) return;
  reference::sgd_step(p, velocity, g, learning_rate, reference::number_of_step(step, guard), options);
  for (const Out& written : {p, velocity}) reference::note_overflow<T>(guard, written);
}

template <class T>
void ReferenceBackend<T>::polyak_update(Out target, In online, T tau) {
  check_polyak_update(target, online, tau);
  reference::polyak_update(target, online, tau);
}

template class ReferenceBackend<float>;
template class ReferenceBackend<double>;

}  // namespace bellman
