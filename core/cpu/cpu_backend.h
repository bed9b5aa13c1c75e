// The ops on a CPU: Eigen and vector loops, divided among threads in fixed chunks. The number of threads changes the time of an
// op, never a bit of its result.
#pragma once

#include "core/cpu/products/im2row.h"
#include "core/cpu/products/matrix.h"
#include "core/cpu/simd/kernels.h"
#include "core/cpu/thread_pool.h"
#include "core/ops/backend.h"

namespace bellman {

/// Numbers below 1.2e-38 (denormals) are taken for zero. No op allocates.
class CpuBackend final : public Backend {
 public:
  /// How dense and conv2d multiply: Eigen's product of matrices, or register tiles made for small networks
  /// (core/cpu/products/matrix.h, core/cpu/products/panel_conv.h).
  enum class Products { kEigen, kTiled };

  /// The tiles are those of `kernels`; null: the fastest that this processor can run.
  /// Throws: Error for fewer than 1 or more than 1024 threads, or when the system refuses to start them.
  explicit CpuBackend(int threads = 1, Products products = Products::kTiled,
                      const cpu::Kernels* kernels = nullptr);

  int threads() const { return pool_.threads(); }
  /// For code that runs its own work on these threads (core/cpu/fused/). One caller at a time.
  ThreadPool& pool() { return pool_; }
  const char* name() const override { return "cpu"; }

  void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;
  void upload(void* destination, const void* host_source, std::size_t bytes) override;
  void download(void* host_destination, const void* source, std::size_t bytes) override;
  void copy(void* destination, const void* source, std::size_t bytes) override;

 private:
  // Throws: Error, too, for an action of td_loss that is not in 0 .. A-1 and a label of softmax_cross_entropy
  // that is not in 0 .. O-1.
  BELLMAN_BACKEND_OPS(, override)
  void do_conv2d_activation_forward(Out z, Out y, In x, In w, In b, const Window& window, Activation f,
                                    Out scratch) override;

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
  const cpu::Kernels& kernels_;
};

}  // namespace bellman
