// What a sink has written.
#pragma once

#include <filesystem>
#include <string>

#include "core/io/files.h"

namespace bellman::test {

inline std::string content(const std::filesystem::path& path) {
  return read_file(path, std::size_t{1} << 20);
}

}  // namespace bellman::test
