#include "cuda/simt/runtime.h"

#include <unistd.h>

namespace bellman::simt {

DeviceProperties device_properties() {
  const auto pages = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES));
  return {.name = "SIMT executor on the CPU",
          .memory = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)),
          .multiprocessors = 1};
}

}  // namespace bellman::simt
