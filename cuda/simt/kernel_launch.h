// One launch of a kernel, as the executor runs it: its extent, its arguments, and the source line that made
// it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace bellman::simt {

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_extent = 1, unsigned y_extent = 1, unsigned z_extent = 1)  // NOLINT: as CUDA's
      : x(x_extent), y(y_extent), z(z_extent) {}
};

namespace detail {

/// A source line: what messages about kernels name.
struct Place {
  const char* file = "";
  unsigned line = 0;

  /// As a default argument: the line of the call.
  static constexpr Place here(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

/// "cuda/ops/dense.cu:41"
inline std::string to_string(const Place& place) {
  return std::string(place.file) + ':' + std::to_string(place.line);
}

/// "(1,0,0)"
inline std::string to_string(const uint3& index) {
  return '(' + std::to_string(index.x) + ',' + std::to_string(index.y) + ',' + std::to_string(index.z) + ')';
}
inline std::string to_string(const dim3& extent) { return to_string(uint3{extent.x, extent.y, extent.z}); }

struct KernelLaunch {
  const void* kernel = nullptr;  // its address, which tells kernels apart
  dim3 grid, block;
  std::size_t shared_bytes = 0;  // dynamic
  std::function<void()> thread;  // the kernel with its arguments, called once for each CUDA thread
  Place site;
};

/// Throws: Error, naming the place and the values, for a launch that no device accepts.
void check(const KernelLaunch& launch);

}  // namespace detail

}  // namespace bellman::simt
