// A line of the source, known where it is written: what messages about kernels name.
#pragma once

#include <string>

namespace bellman::simt::detail {

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

}  // namespace bellman::simt::detail
