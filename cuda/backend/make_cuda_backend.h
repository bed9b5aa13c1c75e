// How the rest of the project gets a device. This header includes nothing of CUDA.
#pragma once

#include <memory>
#include <string>

#include "core/nn/device_backend.h"

namespace bellman {

/// The ops on a GPU. Opens libbellman_cuda.so, which lies beside the program or in ../lib, or where
/// BELLMAN_CUDA_PLUGIN says. Throws: Error naming what is missing: the plugin, cuBLAS, a driver, a GPU.
std::unique_ptr<DeviceBackend> make_cuda_backend();

/// The same kernels, run on the CPU by the SIMT executor (cuda/simt/): slow, but sanitizers and debuggers see
/// every line.
std::unique_ptr<DeviceBackend> make_simt_backend();

// ---- between the program and libbellman_cuda.so

/// Must be the same in program and plugin. Counted up whenever DeviceBackend or a type that it uses changes.
inline constexpr const char* kCudaPluginVersion = "bellman CUDA plugin 4";

/// The one function that the program looks up, by name. Returns a backend that the caller owns; or null, with
/// `error` set.
using MakeCudaBackend = DeviceBackend* (*)(const char* version, std::string* error);
inline constexpr const char* kMakeCudaBackendName = "bellman_make_cuda_backend";

}  // namespace bellman
