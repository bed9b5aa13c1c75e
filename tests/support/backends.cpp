#include "tests/support/backends.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace bellman::test {
namespace {

bool gpu_is_required() {
  const char* const value = std::getenv("BELLMAN_REQUIRE_GPU");
  return value && std::string_view(value) == "1";
}

/// Null when there is no GPU to use.
std::unique_ptr<DeviceBackend> gpu() {
  static bool said = false;
  try {
    return make_cuda_backend();
  } catch (const Error& error) {
    if (gpu_is_required()) throw;
    if (!said) std::printf("SKIPPED on a GPU, the other backends are tested: %s\n", error.what());
    said = true;
    return nullptr;
  }
}

}  // namespace

std::vector<std::unique_ptr<DeviceBackend>> device_backends() {
  std::vector<std::unique_ptr<DeviceBackend>> devices;
  devices.push_back(make_simt_backend());
  if (std::unique_ptr<DeviceBackend> device = gpu()) devices.push_back(std::move(device));
  return devices;
}

}  // namespace bellman::test
