// The ops on a GPU, or in the SIMT executor that stands in for one. Each op is defined in the .cu file of its
// kernels, and queues them on one stream. Allocations begin at multiples of 16 bytes; kernels move four
// numbers at a time where their arrays do, too.
//
// Fixed order: the same numbers, shapes and device model give the same bits, run after run.
#pragma once

#include <memory>
#include <string>

#include "core/nn/device_backend.h"
#include "cuda/base/runtime.h"
#if defined(__CUDACC__)
#include "cuda/device/cublas_products.h"
#include "cuda/device/nccl_exchange.h"
#endif

namespace bellman::BELLMAN_CUDA_NAMESPACE {

#if !defined(__CUDACC__)
/// The executor cannot run a library's kernels: every product is our own (cuda/device/cublas_products.h).
class LibraryProducts {
 public:
  explicit LibraryProducts(Stream& /*stream*/) {}
  bool takes(const Shape& /*x*/, const Shape& /*w*/) { return false; }
  bool dense_forward(Tensor, ConstTensor, ConstTensor, ConstTensor) { return false; }
  bool dense_backward(Tensor, Tensor, Tensor, ConstTensor, ConstTensor, ConstTensor) { return false; }
};

/// Nor has it devices of its own to link (cuda/device/nccl_exchange.h).
class LibraryExchanges {
 public:
  explicit LibraryExchanges(Stream& /*stream*/) {}
  std::string device_id() const { return "simt"; }
  std::string no_reason() { return "the executor has no NCCL"; }
  std::string new_id() { fail(no_reason()); }
  std::unique_ptr<DeviceExchange> make(int, int, const std::string&) { fail(no_reason()); }
};
#endif

using Out = Tensor;
using In = ConstTensor;

/// Ops return before they have run; download() waits. Actions and labels out of range are not checked here
/// (the CPU backends throw): the loss and gradient of such a sample become NaN.
class CudaBackend final : public DeviceBackend,
                          private ReplayOps,
                          private RankOps,
                          private FusedDqnOps,
                          private AgentKernelOps {
 public:
  /// Throws: Error, saying what is missing, without a driver or a GPU.
  CudaBackend();

  const char* name() const override { return kDeviceName; }
  std::string description() const override;
  DeviceCounters counters() const override { return stream_.counters(); }
  ReplayOps& replay_ops() override { return *this; }
  RankOps& rank_ops() override { return *this; }
  FusedDqnOps* fused_dqn_ops() override { return this; }
  AgentKernelOps* agent_kernel_ops() override { return this; }
  Stream& stream() { return stream_; }

  void run_recorded(std::unique_ptr<Recording>& recording, const std::function<void()>& ops) override;

  void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;
  void upload(void* destination, const void* host_source, std::size_t bytes) override;
  void download(void* host_destination, const void* source, std::size_t bytes) override;
  void copy(void* destination, const void* source, std::size_t bytes) override;

 private:
  BELLMAN_BACKEND_OPS(, override)
  BELLMAN_REPLAY_OPS(, override)
  void do_dense_activation_forward(Out z, Out y, In x, In w, In b, Activation f) override;

  void do_mean_of_ranks(Out mean, In parts) override;
  std::string device_id() const override { return exchanges_.device_id(); }
  std::string no_exchange_reason() override { return exchanges_.no_reason(); }
  std::string new_exchange_id() override { return exchanges_.new_id(); }
  std::unique_ptr<DeviceExchange> make_exchange(int rank, int ranks, const std::string& id) override {
    return exchanges_.make(rank, ranks, id);
  }

  std::string fused_dqn_unsupported_reason(const DenseChain& chain,
                                           const FusedDqnOptions& options) const override;
  std::unique_ptr<FusedDqn> make_fused_dqn(const DenseChain& chain, const FusedDqnOptions& options,
                                           const FusedDqnMemory& memory) override;

  std::string agent_kernel_unsupported_reason(const AgentShape& shape, const AgentEnv& env) const override;
  Index agent_kernel_bytes(const AgentShape& shape) const override;
  Index free_bytes() const override;
  std::unique_ptr<AgentKernel> make_agent_kernel(const AgentShape& shape, const AgentEnv& env,
                                                 Index places) override;

  DeviceProperties properties_;
  Stream stream_;
  LibraryProducts library_;
  LibraryExchanges exchanges_;
};

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE
