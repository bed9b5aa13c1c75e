#include "cuda/cuda_backend.h"

#include <algorithm>

#include "core/op_shapes.h"
#include "core/replay_op_shapes.h"
#include "cuda/fused/dqn.h"
#include "cuda/ops.h"
#include "cuda/resident/population.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

namespace ops = ::bellman::BELLMAN_CUDA_NAMESPACE;  // the launchers, which bear the same names as the members

CudaBackend::CudaBackend() : properties_(device_properties()), library_(stream_) {}

std::string CudaBackend::description() const { return describe(properties_); }

void CudaBackend::run_recorded(std::unique_ptr<Recording>& recording, const std::function<void()>& sequence) {
  stream_.run_recorded(recording, sequence);
}

// ---- memory

void* CudaBackend::allocate(std::size_t bytes) {
  void* const memory = ops::allocate(std::max<std::size_t>(bytes, 1));  // null is "no tensor"
  stream_.zero(memory, bytes);
  return memory;
}
void CudaBackend::release(void* memory) noexcept {
  stream_.finish();  // what was queued may still use it
  ops::release(memory);
}
void CudaBackend::upload(void* destination, const void* host_source, std::size_t bytes) {
  stream_.copy_to_device(destination, host_source, bytes);
}
void CudaBackend::download(void* host_destination, const void* source, std::size_t bytes) {
  stream_.copy_to_host(host_destination, source, bytes);
}
void CudaBackend::copy(void* destination, const void* source, std::size_t bytes) {
  stream_.copy_on_device(destination, source, bytes);
}

// ---- products: a library's where it is better (cuda/device/cublas_products.h), else our own

void CudaBackend::dense_forward(Out y, In x, In w, In b) {
  check_dense_forward(y, x, w, b);
  if (!library_.dense_forward(y, x, w, b)) ops::dense_forward(stream_, y, x, w, b);
}
void CudaBackend::dense_activation_forward(Out z, Out y, In x, In w, In b, Activation activation) {
  check_dense_forward(y, x, w, b);
  check_relu_forward(z, y);
  if (library_.takes(x.shape(), w.shape()))
    DeviceBackend::dense_activation_forward(z, y, x, w, b, activation);
  else
    ops::dense_activation_forward(stream_, z, y, x, w, b, activation);
}
void CudaBackend::dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) {
  check_dense_backward(dx, dw, db, dy, x, w);
  if (!library_.dense_backward(dx, dw, db, dy, x, w)) ops::dense_backward(stream_, dx, dw, db, dy, x, w);
}
Index CudaBackend::conv2d_scratch(const Shape& x, const Shape& w, const Window& window) const {
  checked_conv2d_output("conv2d_scratch", x, w, window);
  return ops::conv2d_scratch(x, w, window);
}
void CudaBackend::conv2d_forward(Out y, In x, In w, In b, const Window& window, Out scratch) {
  check_conv2d_forward(y, x, w, b, window, scratch, ops::conv2d_scratch(x.shape(), w.shape(), window));
  ops::conv2d_forward(stream_, y, x, w, b, window, scratch);
}
void CudaBackend::conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window,
                                  Out scratch) {
  check_conv2d_backward(dx, dw, db, dy, x, w, window, scratch,
                        ops::conv2d_scratch(x.shape(), w.shape(), window));
  ops::conv2d_backward(stream_, dx, dw, db, dy, x, w, window, scratch);
}

// ---- the other ops

void CudaBackend::fill(Out x, float value) {
  check_fill(x);
  ops::fill(stream_, x, value);
}
void CudaBackend::add(Out y, In x) {
  check_add(y, x);
  ops::add(stream_, y, x);
}
void CudaBackend::max_pool2d_forward(Out y, In x, const Window& window) {
  check_max_pool2d_forward(y, x, window);
  ops::max_pool2d_forward(stream_, y, x, window);
}
void CudaBackend::max_pool2d_backward(Out dx, In dy, In x, const Window& window) {
  check_max_pool2d_backward(dx, dy, x, window);
  ops::max_pool2d_backward(stream_, dx, dy, x, window);
}
void CudaBackend::relu_forward(Out y, In x) {
  check_relu_forward(y, x);
  ops::relu_forward(stream_, y, x);
}
void CudaBackend::relu_backward(Out dx, In dy, In y) {
  check_relu_backward(dx, dy, y);
  ops::relu_backward(stream_, dx, dy, y);
}
void CudaBackend::leaky_relu_forward(Out y, In x, float slope) {
  check_leaky_relu_forward(y, x, slope);
  ops::leaky_relu_forward(stream_, y, x, slope);
}
void CudaBackend::leaky_relu_backward(Out dx, In dy, In x, float slope) {
  check_leaky_relu_backward(dx, dy, x, slope);
  ops::leaky_relu_backward(stream_, dx, dy, x, slope);
}
void CudaBackend::tanh_forward(Out y, In x) {
  check_tanh_forward(y, x);
  ops::tanh_forward(stream_, y, x);
}
void CudaBackend::tanh_backward(Out dx, In dy, In y) {
  check_tanh_backward(dx, dy, y);
  ops::tanh_backward(stream_, dx, dy, y);
}
void CudaBackend::sigmoid_forward(Out y, In x) {
  check_sigmoid_forward(y, x);
  ops::sigmoid_forward(stream_, y, x);
}
void CudaBackend::sigmoid_backward(Out dx, In dy, In y) {
  check_sigmoid_backward(dx, dy, y);
  ops::sigmoid_backward(stream_, dx, dy, y);
}
void CudaBackend::layer_norm_forward(Out y, Out mean, Out rstd, In x, In gamma, In beta, float epsilon) {
  check_layer_norm_forward(y, mean, rstd, x, gamma, beta, epsilon);
  ops::layer_norm_forward(stream_, y, mean, rstd, x, gamma, beta, epsilon);
}
void CudaBackend::layer_norm_backward(Out dx, Out dgamma, Out dbeta, In dy, In x, In gamma, In mean,
                                      In rstd) {
  check_layer_norm_backward(dx, dgamma, dbeta, dy, x, gamma, mean, rstd);
  ops::layer_norm_backward(stream_, dx, dgamma, dbeta, dy, x, gamma, mean, rstd);
}
void CudaBackend::dueling_forward(Out q, In v, In a) {
  check_dueling_forward(q, v, a);
  ops::dueling_forward(stream_, q, v, a);
}
void CudaBackend::dueling_backward(Out dv, Out da, In dq) {
  check_dueling_backward(dv, da, dq);
  ops::dueling_backward(stream_, dv, da, dq);
}
void CudaBackend::argmax(IntTensor action, In q) {
  check_argmax(action, q);
  ops::argmax(stream_, action, q);
}
void CudaBackend::td_target(Out y, In q_target, In q_online, In reward, In discount, In terminated) {
  check_td_target(y, q_target, q_online, reward, discount, terminated);
  ops::td_target(stream_, y, q_target, q_online, reward, discount, terminated);
}
void CudaBackend::td_loss(Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y, In weight,
                          LossKind kind, float delta) {
  check_td_loss(dq, td_error, loss, q, action, y, weight, kind, delta);
  ops::td_loss(stream_, dq, td_error, loss, q, action, y, weight, kind, delta);
}
void CudaBackend::softmax_cross_entropy(Out dlogits, Out loss, In logits, ConstIntTensor label) {
  check_softmax_cross_entropy(dlogits, loss, logits, label);
  ops::softmax_cross_entropy(stream_, dlogits, loss, logits, label);
}
void CudaBackend::global_norm(Out norm, In g) {
  check_global_norm(norm, g);
  ops::global_norm(stream_, norm, g);
}
void CudaBackend::clip_by_global_norm(Out g, In norm, float max_norm) {
  check_clip_by_global_norm(g, norm, max_norm);
  ops::clip_by_global_norm(stream_, g, norm, max_norm);
}
void CudaBackend::guard_step(IntTensor guard, In loss, In g, Holding holding) {
  check_guard_step(guard, loss, g);
  ops::guard_step(stream_, guard, loss, g, holding);
}
void CudaBackend::adam_step(Out p, Out m, Out v, In g, float learning_rate, Index step,
                            const AdamOptions& options, IntTensor guard) {
  check_adam_step(p, m, v, g, learning_rate, step, options, guard);
  ops::adam_step(stream_, p, m, v, g, learning_rate, step, options, guard);
}
void CudaBackend::rmsprop_step(Out p, Out square, Out mean, Out velocity, In g, float learning_rate,
                               const RmsPropOptions& options, IntTensor guard) {
  check_rmsprop_step(p, square, mean, velocity, g, learning_rate, options, guard);
  ops::rmsprop_step(stream_, p, square, mean, velocity, g, learning_rate, options, guard);
}
void CudaBackend::sgd_step(Out p, Out velocity, In g, float learning_rate, Index step,
                           const SgdOptions& options, IntTensor guard) {
  check_sgd_step(p, velocity, g, learning_rate, step, options, guard);
  ops::sgd_step(stream_, p, velocity, g, learning_rate, step, options, guard);
}
void CudaBackend::polyak_update(Out target, In online, float tau) {
  check_polyak_update(target, online, tau);
  ops::polyak_update(stream_, target, online, tau);
}

// ---- the ops on a replay memory

void CudaBackend::gather(Tensor x, ConstTensor memory, ConstIntTensor slot) {
  check_gather("gather", x, memory, slot);
  ops::gather(stream_, x, memory, slot);
}
void CudaBackend::gather_bytes(Tensor x, ConstByteTensor memory, ConstIntTensor slot) {
  check_gather("gather_bytes", x, memory, slot);
  ops::gather_bytes(stream_, x, memory, slot);
}
void CudaBackend::scatter(Tensor memory, ConstTensor x, ConstIntTensor slot) {
  check_gather("scatter", x, memory, slot);
  ops::scatter(stream_, memory, x, slot);
}
void CudaBackend::scatter_bytes(ByteTensor memory, ConstTensor x, ConstIntTensor slot) {
  check_gather("scatter_bytes", x, memory, slot);
  ops::scatter_bytes(stream_, memory, x, slot);
}
void CudaBackend::gather_transitions(const TransitionTensors& batch, const TransitionTensors& memory,
                                     ConstIntTensor slot) {
  check_transitions("gather_transitions", batch, memory, slot);
  ops::gather_transitions(stream_, batch, memory, slot);
}
void CudaBackend::scatter_transitions(const TransitionTensors& memory, const TransitionTensors& batch,
                                      ConstIntTensor slot) {
  check_transitions("scatter_transitions", batch, memory, slot);
  ops::scatter_transitions(stream_, memory, batch, slot);
}
void CudaBackend::sum_tree_set(DoubleTensor nodes, ConstIntTensor leaf, ConstDoubleTensor weight) {
  check_sum_tree("sum_tree_set", nodes, leaf, weight);
  ops::sum_tree_set(stream_, nodes, leaf, weight);
}
void CudaBackend::sum_tree_find(IntTensor leaf, ConstDoubleTensor nodes, ConstDoubleTensor mass) {
  check_sum_tree("sum_tree_find", nodes, leaf, mass);
  ops::sum_tree_find(stream_, leaf, nodes, mass);
}
void CudaBackend::prioritized_add(DoubleTensor nodes, ConstDoubleTensor max_priority, ConstIntTensor slot,
                                  ConstIntTensor added, double alpha) {
  check_prioritized_add(nodes, max_priority, slot, added);
  ops::prioritized_add(stream_, nodes, max_priority, slot, added, alpha);
}
void CudaBackend::prioritized_sample(IntTensor slot, Tensor weight, ConstDoubleTensor nodes,
                                     const PrioritizedDraw& draw) {
  check_prioritized_sample(slot, weight, nodes);
  ops::prioritized_sample(stream_, slot, weight, nodes, draw);
}
void CudaBackend::prioritized_update(DoubleTensor nodes, DoubleTensor max_priority, ConstIntTensor slot,
                                     ConstTensor td_error, const PriorityPower& power, ConstIntTensor guard) {
  check_prioritized_update(nodes, max_priority, slot, td_error, guard);
  ops::prioritized_update(stream_, nodes, max_priority, slot, td_error, power, guard);
}
void CudaBackend::epsilon_greedy(IntTensor action, ConstTensor q, const EpsilonGreedy& options) {
  check_epsilon_greedy(action, q, options);
  ops::epsilon_greedy(stream_, action, q, options);
}
void CudaBackend::add_learn_stats(DoubleTensor sums, ConstTensor loss, ConstTensor norm, ConstTensor y,
                                  ConstTensor td_error, ConstIntTensor guard) {
  check_add_learn_stats(sums, loss, norm, y, td_error, guard);
  ops::add_learn_stats(stream_, sums, loss, norm, y, td_error, guard);
}
void CudaBackend::report_step(DoubleTensor report, ConstIntTensor guard, const LearnStepName& step,
                              ConstTensor loss, ConstIntTensor slot, ConstTensor td_error,
                              ConstTensor reward) {
  check_report_step(report, guard, loss, slot, td_error, reward);
  ops::report_step(stream_, report, guard, step, loss, slot, td_error, reward);
}

// ---- a learn step as one op

std::string CudaBackend::fused_dqn_obstacle(const DenseChain& chain, const FusedDqnOptions& options) const {
  return ops::fused_dqn_obstacle(chain, options, properties_.shared_bytes);
}
std::unique_ptr<FusedDqn> CudaBackend::make_fused_dqn(const DenseChain& chain, const FusedDqnOptions& options,
                                                      const FusedDqnMemory& memory) {
  return ops::make_fused_dqn(stream_, chain, options, memory, properties_.shared_bytes);
}

// ---- whole agents

std::string CudaBackend::resident_dqn_obstacle(const ResidentDqnShape& shape, const ResidentEnv& env) const {
  return ops::resident_dqn_obstacle(shape, env, properties_.shared_bytes);
}
Index CudaBackend::resident_dqn_bytes(const ResidentDqnShape& shape) const {
  return ops::resident_dqn_bytes(shape, properties_.shared_bytes);
}
Index CudaBackend::free_bytes() const { return static_cast<Index>(free_memory()); }
std::unique_ptr<ResidentDqn> CudaBackend::make_resident_dqn(const ResidentDqnShape& shape,
                                                            const ResidentEnv& env, Index places) {
  return ops::make_resident_dqn(stream_, shape, env, places, properties_.shared_bytes);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
