#include "cuda/simt/runtime.h"

#include <unistd.h>

namespace bellman::simt {

std::string describe(const DeviceProperties& properties) {
  return properties.name + ", " + std::to_string(properties.memory_bytes >> 30) + " GiB";
}

DeviceProperties device_properties() {
  const auto pages = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES));
  return {.name = "SIMT executor on the CPU",
          .memory_bytes = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)),
          .multiprocessors = 1,
          .shared_bytes = static_cast<int>(detail::kMaxSharedBytes)};
}

}  // namespace bellman::simt
