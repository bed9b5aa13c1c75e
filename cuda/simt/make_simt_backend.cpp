#include "cuda/cuda_backend.h"
#include "cuda/make_cuda_backend.h"

namespace bellman {

std::unique_ptr<DeviceBackend> make_simt_backend() { return std::make_unique<simt::CudaBackend>(); }

}  // namespace bellman
