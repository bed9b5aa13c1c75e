// Points in a stream's work, whose distance the device measures with its own clock.
#pragma once

#include "cuda/device/runtime.h"

namespace bellman::cuda {

class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// The point is reached when all that was queued so far is done.
  void record(Stream& stream);
  /// Device time from `start` to this event; waits until both are reached. Throws: Error when one of them was
  /// not recorded, or when what was queued before it failed.
  double seconds_since(const Event& start) const;

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace bellman::cuda
