#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/make_cuda_backend.h"

namespace bellman {

std::unique_ptr<DeviceBackend> make_simt_backend() { return std::make_unique<simt::CudaBackend>(); }

}  // namespace bellman
