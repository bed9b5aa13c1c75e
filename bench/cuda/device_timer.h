// Times work on the device by the device's clock. For .cu files.
#pragma once

#include <functional>

#include "cuda/backend/cuda_backend.h"
#include "cuda/device/runtime.h"

namespace bellman::bench {

class DeviceTimer {
 public:
  explicit DeviceTimer(cuda::CudaBackend& backend) : backend_(backend) {}

  /// Seconds of one `call`, which calls ops of the backend: the median of kTries. A CUDA graph repeats
  /// the call often enough that the time is the device's and not the host's.
  double seconds_per_recorded_call(const std::function<void()>& call);
  /// Seconds of one `round` of host and device together, with `rounds` of them queued one behind the other:
  /// the median of kTries.
  double seconds_per_round(const std::function<void()>& round, int rounds);

 private:
  static constexpr int kTries = 11;
  double seconds_in_graph(const std::function<void()>& call, int calls);

  cuda::CudaBackend& backend_;
  cuda::Event start_, stop_;
};

}  // namespace bellman::bench
