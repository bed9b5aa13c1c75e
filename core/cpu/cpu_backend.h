// The ops on a CPU: Eigen and vector loops, shared out over threads in fixed chunks. The number of threads
// changes the time an op takes and never a bit of its result.
#pragma once

#include "core/backend.h"
#include "core/cpu/fused/kernels.h"
#include "core/cpu/gemm.h"
#include "core/cpu/im2row.h"
#include "core/cpu/thread_pool.h"

namespace bellman {

/// Numbers below 1.2e-38 (denormals) are taken for zero. No op allocates.
class CpuBackend final : public Backend {
 public:
  /// What dense and conv2d are made of: Eigen's product of matrices, or register tiles made for small
  /// networks (core/cpu/gemm.h, core/cpu/panel_conv.h).
  enum class Products { kEigen, kTiled };

  /// The tiles are those of `kernels`; null: the fastest that this processor has.
  /// Throws: Error for fewer than 1 or more than 1024 threads, or when the system refuses to start them.
  explicit CpuBackend(int threads = 1, Products products = Products::kTiled,
                      const cpu::fused::Kernels* kernels = nullptr);

  int threads() const { return pool_.threads(); }
  /// For what shares its own work out over the same threads (core/cpu/fused/). One caller at a time.
  ThreadPool& pool() { return pool_; }
  const char* name() const override { return "cpu"; }

  void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;
  void upload(void* destination, const void* host_source, std::size_t bytes) override;
  void download(void* host_destination, const void* source, std::size_t bytes) override;
  void copy(void* destination, const void* source, std::size_t bytes) override;

  void fill(Out x, float value) override;
  void add(Out y, In x) override;

  void dense_forward(Out y, In x, In w, In b) override;
  void dense_backward(Out dx, Out dw, Out db, In dy, In x, In w) override;

  Index conv2d_scratch(const Shape& x, const Shape& w, const Window& window) const override;
  void conv2d_forward(Out y, In x, In w, In b, const Window& window, Out scratch) override;
  void conv2d_activation_forward(Out z, Out y, In x, In w, In b, const Window& window, Activation activation,
                                 Out scratch) override;
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
  /// Throws: Error, too, for an action that is not in 0 .. A-1.
  void td_loss(Out dq, Out td_error, Out loss, In q, ConstIntTensor action, In y, In weight, LossKind kind,
               float delta) override;
  /// Throws: Error, too, for a label that is not in 0 .. O-1.
  void softmax_cross_entropy(Out dlogits, Out loss, In logits, ConstIntTensor label) override;

  void global_norm(Out norm, In g) override;
  void clip_by_global_norm(Out g, In norm, float max_norm) override;
  void guard_step(IntTensor guard, In loss, In g, Holding holding) override;
  void adam_step(Out p, Out m, Out v, In g, float learning_rate, Index step, const AdamOptions& options,
                 IntTensor guard = {}) override;
  void rmsprop_step(Out p, Out square, Out mean, Out velocity, In g, float learning_rate,
                    const RmsPropOptions& options, IntTensor guard = {}) override;
  void sgd_step(Out p, Out velocity, In g, float learning_rate, Index step, const SgdOptions& options,
                IntTensor guard = {}) override;
  void polyak_update(Out target, In online, float tau) override;

 private:
  /// As conv2d_forward, and rectified = max(y, 0) unless it is no tensor.
  void panel_conv_forward(Out y, Out rectified, In x, In w, In b, const Window& window, Out scratch);
  // conv2d as one product of matrices a sample.
  Index im2row_scratch(const cpu::ImageShape& image) const;
  void im2row_forward(Out y, In x, In w, In b, const cpu::ImageShape& image, Out scratch);
  void im2row_backward(Out dx, Out dw, Out db, In dy, In x, In w, const cpu::ImageShape& image, Out scratch);

  /// c(M,N) = a(M,K) b(K,N) [+ bias], or c += a b: by blocks of c, which the threads share.
  void multiply(cpu::Matrix<float> c, cpu::Matrix<const float> a, cpu::Matrix<const float> b,
                cpu::Write write = {});

  /// Whether a dense layer of these sizes is computed by PanelDense.
  bool takes_panels(Index B, Index I, Index O) const;
  template <class F>
  void share(Index n, Index most, const F& f);

  ThreadPool pool_;
  Products products_;
  cpu::Gemm* gemm_;
  const cpu::fused::Kernels& kernels_;
};

}  // namespace bellman
