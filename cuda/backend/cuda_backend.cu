#include "cuda/backend/cuda_backend.h"

#include <algorithm>

#include "cuda/agent_kernel/population.h"
#include "cuda/backend/make_cuda_backend.h"
#include "cuda/fused/dqn.h"

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

// ---- a learn step as one op

std::string CudaBackend::fused_dqn_unsupported_reason(const DenseChain& chain,
                                                      const FusedDqnOptions& options) const {
  return ops::fused_dqn_unsupported_reason(chain, options, properties_.shared_bytes);
}
std::unique_ptr<FusedDqn> CudaBackend::make_fused_dqn(const DenseChain& chain, const FusedDqnOptions& options,
                                                      const FusedDqnMemory& memory) {
  return ops::make_fused_dqn(stream_, chain, options, memory, properties_.shared_bytes);
}

// ---- whole agents

std::string CudaBackend::agent_kernel_unsupported_reason(const AgentShape& shape, const AgentEnv& env) const {
  return ops::agent_kernel_unsupported_reason(shape, env, properties_.shared_bytes);
}
Index CudaBackend::agent_kernel_bytes(const AgentShape& shape) const {
  return ops::agent_kernel_bytes(shape, properties_.shared_bytes);
}
Index CudaBackend::free_bytes() const { return static_cast<Index>(free_memory()); }
std::unique_ptr<AgentKernel> CudaBackend::make_agent_kernel(const AgentShape& shape, const AgentEnv& env,
                                                            Index places) {
  return ops::make_agent_kernel(stream_, shape, env, places, properties_.shared_bytes);
}

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE

#if !defined(__CUDACC__)
std::unique_ptr<bellman::DeviceBackend> bellman::make_simt_backend() {
  return std::make_unique<simt::CudaBackend>();
}
#endif
