// The roofs that figures on a GPU are compared with, measured on this card in this process.
#pragma once

#include "cuda/backend/cuda_backend.h"

namespace bellman::bench {

struct DeviceRoof {
  double copy_bytes_per_second = 0;  // read and written, both counted
  double fp32_flops_per_second = 0;  // a multiply-add is two
};

/// The best of several tries: a copy of 2^28 bytes within the device's memory, and a kernel of independent
/// chains of FP32 multiply-adds in registers.
DeviceRoof measure_device_roof(cuda::CudaBackend& backend);

}  // namespace bellman::bench
