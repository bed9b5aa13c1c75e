// The ops on a GPU, or in the SIMT executor that stands in for one: shapes are checked here, then the
// launcher of the op (cuda/ops.h) queues its kernels on one stream.
#pragma once

#include <string>

#include "core/device_backend.h"
#include "cuda/library_products.h"
#include "cuda/runtime.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

/// Ops return before they have run; download() waits. Actions and labels that index outside their row are not
/// looked at here (the CPU backends throw): such a sample's loss and gradient become NaN.
class CudaBackend final : public DeviceBackend,
                          private ReplayOps,
                          private FusedDqnOps,
                          private ResidentDqnOps {
 public:
  /// Throws: Error, saying what is missing, without a driver or a GPU.
  CudaBackend();

  const char* name() const override { return kDeviceName; }
  std::string description() const override;
  DeviceCounters counters() const override { return stream_.counters(); }
  ReplayOps& replay_ops() override { return *this; }
  FusedDqnOps* fused_dqn_ops() override { return this; }
  ResidentDqnOps* resident_dqn_ops() override { return this; }
  Stream& stream() { return stream_; }

  void run_recorded(std::unique_ptr<Recording>& recording, const std::function<void()>& ops) override;

  void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;
  void upload(void* destination, const void* host_source, std::size_t bytes) override;
  void download(void* host_destination, const void* source, std::size_t bytes) override;
  void copy(void* destination, const void* source, std::size_t bytes) override;

  void fill(Out x, float value) override;
  void add(Out y, In x) override;

  void dense_forward(Out y, In x, In w, In b) override;
  void dense_activation_forward(Out z, Out y, In x, In w, In b, Activation activation) override;
  void dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) override;

  Index conv2d_scratch(const Shape& x, const Shape& w, const Window& window) const override;
  void conv2d_forward(Out y, In x, In w, In b, const Window& window, Out scratch) override;
  void conv2d_backward(Out dx, Out dw, Out db, In dy, In x, In w, const Window& window, Out scratch) override;
  void max_pool2d_forward(Out y, In x, const Window& window) override;
  void max_pool2d_backward(Out dx, In dy, In x, const Window& window) override;

  void relu_forward(Out y, In x) override;
  void relu_backward(Out dx, In dy, In y) override;
  void leaky_relu_forward(Out y, In x, float slope) override;
  void leaky_relu_backward(Out dx, In dy, In x, float slope) override;
  void tanh_forward(Out y, In x) override;
  void tanh_backward(Out dx, In dy, In y) override;
  void sigmoid_forward(Out y, In x) override;
  void sigmoid_backward(Out dx, In dy, In y) override;

  void layer_norm_forward(Out y, Out mean, Out rstd, In x, In gamma, In beta, float epsilon) override;
  void layer_norm_backward(Out dx, Out dgamma, Out dbeta, In dy, In x, In gamma, In mean, In rstd) override;

  void dueling_forward(Out q, In v, In a) override;
  void dueling_backward(Out dv, Out da, In dq) override;

  void argmax(IntTensor action, In q) override;
  void td_target(Out y, In q_target, In q_online, In reward, In discount, In terminated) override;
  void td_loss(Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y, In weight, LossKind kind,
               float delta) override;
  void softmax_cross_entropy(Out dlogits, Out loss, In logits, ConstIntTensor label) override;

  void global_norm(Out norm, In g) override;
  void clip_by_global_norm(Out g, In norm, float max_norm) override;
  void guard_step(IntTensor guard, In loss, In g, Holding holding) override;
  void adam_step(Out p, Out m, Out v, In g, float learning_rate, Index step, const AdamOptions& options,
                 IntTensor guard) override;
  void rmsprop_step(Out p, Out square, Out mean, Out velocity, In g, float learning_rate,
                    const RmsPropOptions& options, IntTensor guard) override;
  void sgd_step(Out p, Out velocity, In g, float learning_rate, Index step, const SgdOptions& options,
                IntTensor guard) override;
  void polyak_update(Out target, In online, float tau) override;

 private:
  void gather(Tensor x, ConstTensor memory, ConstIntTensor slot) override;
  void gather_bytes(Tensor x, ConstByteTensor memory, ConstIntTensor slot) override;
  void scatter(Tensor memory, ConstTensor x, ConstIntTensor slot) override;
  void scatter_bytes(ByteTensor memory, ConstTensor x, ConstIntTensor slot) override;
  void gather_transitions(const TransitionTensors& batch, const TransitionTensors& memory,
                          ConstIntTensor slot) override;
  void scatter_transitions(const TransitionTensors& memory, const TransitionTensors& batch,
                           ConstIntTensor slot) override;
  void sum_tree_set(DoubleTensor nodes, ConstIntTensor leaf, ConstDoubleTensor weight) override;
  void sum_tree_find(IntTensor leaf, ConstDoubleTensor nodes, ConstDoubleTensor mass) override;
  void prioritized_add(DoubleTensor nodes, ConstDoubleTensor max_priority, ConstIntTensor slot,
                       ConstIntTensor added, double alpha) override;
  void prioritized_sample(IntTensor slot, Tensor weight, ConstDoubleTensor nodes,
                          const PrioritizedDraw& draw) override;
  void prioritized_update(DoubleTensor nodes, DoubleTensor max_priority, ConstIntTensor slot,
                          ConstTensor td_error, const PriorityPower& power, ConstIntTensor guard) override;
  void epsilon_greedy(IntTensor action, ConstTensor q, const EpsilonGreedy& options) override;
  void add_learn_stats(DoubleTensor sums, ConstTensor loss, ConstTensor norm, ConstTensor y,
                       ConstTensor td_error, ConstIntTensor guard) override;
  void report_step(DoubleTensor report, ConstIntTensor guard, const LearnStepName& step, ConstTensor loss,
                   ConstIntTensor slot, ConstTensor td_error, ConstTensor reward) override;

  std::string fused_dqn_obstacle(const DenseChain& chain, const FusedDqnOptions& options) const override;
  std::unique_ptr<FusedDqn> make_fused_dqn(const DenseChain& chain, const FusedDqnOptions& options,
                                           const FusedDqnMemory& memory) override;

  std::string resident_dqn_obstacle(const ResidentDqnShape& shape, const ResidentEnv& env) const override;
  Index resident_dqn_bytes(const ResidentDqnShape& shape) const override;
  Index free_bytes() const override;
  std::unique_ptr<ResidentDqn> make_resident_dqn(const ResidentDqnShape& shape, const ResidentEnv& env,
                                                 Index places) override;

  DeviceProperties properties_;
  Stream stream_;
  LibraryProducts library_;
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
