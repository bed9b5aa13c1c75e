// Between the program and libbellman_cuda.so: one C function that the program looks up by name.
#pragma once

#include <memory>
#include <string>

#include "core/nn/device_backend.h"

namespace bellman {

/// What program and plugin must agree in, word for word. Counted up whenever DeviceBackend or what it uses
/// changes.
inline constexpr const char* kCudaPluginVersion = "bellman CUDA plugin 3";

/// Looked up as "bellman_make_cuda_backend". Returns a backend that the caller owns; or null, with `error`
/// set.
using MakeCudaBackend = DeviceBackend* (*)(const char* version, std::string* error);
inline constexpr const char* kMakeCudaBackendName = "bellman_make_cuda_backend";

}  // namespace bellman
