// How the rest of the project gets a device: nothing here includes CUDA.
#pragma once

#include <memory>
#include <string>

#include "core/nn/device_backend.h"

namespace bellman {

/// The ops on a GPU. Opens libbellman_cuda.so, which stands beside the program or in ../lib, or where
/// BELLMAN_CUDA_PLUGIN says.
/// Throws: Error with one line that says what is missing: the plugin, cuBLAS, a driver, a GPU.
std::unique_ptr<DeviceBackend> make_cuda_backend();

/// The same kernels, run on the CPU by the SIMT executor (cuda/simt/): slow, and everything can be looked at.
std::unique_ptr<DeviceBackend> make_simt_backend();

}  // namespace bellman
