#include "cuda/backend/make_cuda_backend.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include <dlfcn.h>

#include "core/base/check.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFileName = "libbellman_cuda.so";

/// Where the plugin may lie, in the order of the search.
std::vector<fs::path> places() {
  if (const char* const named = std::getenv("BELLMAN_CUDA_PLUGIN")) return {named};
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return {kFileName};
  const fs::path folder = program.parent_path();
  return {folder / kFileName, folder / ".." / "lib" / kFileName};
}

fs::path find_plugin() {
  std::string looked;
  for (const fs::path& place : places()) {
    std::error_code error;
    if (fs::is_regular_file(place, error)) return place;
    looked += (looked.empty() ? "" : ", ") + place.lexically_normal().string();
  }
  fail("the GPU plugin is missing: no file ", looked,
       " (it is built where CMake finds nvcc; BELLMAN_CUDA_PLUGIN names another place)");
}

/// The plugin's function. The plugin stays open until the program ends, because backends use its code.
MakeCudaBackend open_plugin() {
  const fs::path path = find_plugin();
  void* const plugin = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!plugin) fail("the GPU plugin cannot be opened: ", dlerror());
  void* const function = dlsym(plugin, kMakeCudaBackendName);
  if (!function)
    fail("the GPU plugin ", path.string(), " is none of bellman's: it has no ", kMakeCudaBackendName);
  return reinterpret_cast<MakeCudaBackend>(function);
}

}  // namespace

std::unique_ptr<DeviceBackend> make_cuda_backend() {
  static const MakeCudaBackend make = open_plugin();
  std::string error;
  std::unique_ptr<DeviceBackend> backend(make(kCudaPluginVersion, &error));
  if (!backend) throw Error(error);
  return backend;
}

}  // namespace bellman
