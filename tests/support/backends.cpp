#include "tests/support/backends.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace bellman::test {
namespace {

bool gpu_is_required() {
  const char* const value = std::getenv("BELLMAN_REQUIRE_GPU");
  return value && std::string_view(value) == "1";
}

std::string_view up_to_comma(std::string_view text) { return text.substr(0, text.find(',')); }

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

bool backend_is_wanted(std::string_view name) {
  static constexpr std::array<std::string_view, 4> kNames = {"reference", "cpu", "simt", "cuda"};
  const char* const list = std::getenv("BELLMAN_TEST_BACKENDS");
  if (!list || !*list) return true;
  bool wanted = false;
  for (std::string_view rest = list;;) {
    const std::string_view listed = up_to_comma(rest);
    if (std::find(kNames.begin(), kNames.end(), listed) == kNames.end())
      fail("BELLMAN_TEST_BACKENDS=", list, ": there is no backend \"", listed,
           "\"; known: reference, cpu, simt, cuda");
    wanted = wanted || listed == up_to_comma(name);
    if (listed.size() == rest.size()) return wanted;
    rest.remove_prefix(listed.size() + 1);
  }
}

std::vector<std::unique_ptr<DeviceBackend>> device_backends() {
  std::vector<std::unique_ptr<DeviceBackend>> devices;
  if (backend_is_wanted("simt")) devices.push_back(make_simt_backend());
  if (!backend_is_wanted("cuda")) return devices;
  if (std::unique_ptr<DeviceBackend> device = gpu()) devices.push_back(std::move(device));
  return devices;
}

}  // namespace bellman::test
