// cuda/base/runtime.h for the executor. Streams and launches: stream.h. Memory: device_memory.h.
#pragma once

#include <cstddef>
#include <string>

#include "cuda/base/device_memory.h"
#include "cuda/simt/stream.h"

namespace bellman::simt {

inline constexpr const char* kDeviceName = "simt";  // what --device calls it

struct DeviceProperties {
  std::string name;
  std::size_t memory_bytes = 0;
  int multiprocessors = 0;
  int shared_bytes = 0;  // of a block, at most
};

/// "SIMT executor on the CPU, 15 GiB".
std::string describe(const DeviceProperties& properties);
/// Of this machine, whose processor stands for a device of one multiprocessor.
DeviceProperties device_properties();

}  // namespace bellman::simt
