// The plugin's only exported function.
#include <exception>
#include <string_view>

#include "cuda/backend/cuda_backend.h"
#include "cuda/backend/make_cuda_backend.h"

extern "C" __attribute__((visibility("default"))) bellman::DeviceBackend* bellman_make_cuda_backend(
    const char* version, std::string* error) {
  try {
    if (std::string_view(version) != bellman::kCudaPluginVersion)
      bellman::fail("the GPU plugin is of another build: it says \"", bellman::kCudaPluginVersion,
                    "\", the program \"", version, "\"");
    return new bellman::cuda::CudaBackend();
  } catch (const std::exception& failure) {
    *error = failure.what();
    return nullptr;
  }
}
