#include "cuda/backend/cuda_backend.h"

#include <algorithm>

#include "cuda/backend/make_cuda_backend.h"

namespace bellman::BELLMAN_CUDA_NAMESPACE {

namespace device = ::bellman::BELLMAN_CUDA_NAMESPACE;  // allocate() and release(), which are members, too

CudaBackend::CudaBackend() : properties_(device_properties()), library_(stream_), exchanges_(stream_) {}

std::string CudaBackend::description() const { return describe(properties_); }

void CudaBackend::run_recorded(std::unique_ptr<Recording>& recording, const std::function<void()>& sequence) {
  stream_.run_recorded(recording, sequence);
}

void* CudaBackend::allocate(std::size_t bytes) {
  void* const memory = device::allocate(std::max<std::size_t>(bytes, 1));  // null means "no tensor"
  stream_.zero(memory, bytes);
  return memory;
}
void CudaBackend::release(void* memory) noexcept {
  stream_.finish();  // queued work may still use it
  device::release(memory);
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

}  // namespace bellman::BELLMAN_CUDA_NAMESPACE

#if !defined(__CUDACC__)
std::unique_ptr<bellman::DeviceBackend> bellman::make_simt_backend() {
  return std::make_unique<simt::CudaBackend>();
}
#endif
