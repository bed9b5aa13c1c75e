#include "cuda/device/event.h"

namespace bellman::cuda {

Event::Event() { BELLMAN_CUDA_CALL(cudaEventCreate(&event_)); }

Event::~Event() {
  if (event_) static_cast<void>(cudaEventDestroy(event_));
}

void Event::record(Stream& stream) { BELLMAN_CUDA_CALL(cudaEventRecord(event_, stream.get())); }

double Event::seconds_since(const Event& start) const {
  BELLMAN_CUDA_CALL(cudaEventSynchronize(event_));
  float milliseconds = 0;
  BELLMAN_CUDA_CALL(cudaEventElapsedTime(&milliseconds, start.event_, event_));
  return 1e-3 * static_cast<double>(milliseconds);
}

}  // namespace bellman::cuda
