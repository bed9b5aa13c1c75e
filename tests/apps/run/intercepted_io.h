// For libraries in LD_PRELOAD whose functions stand before those of the standard library that change files.
// Nothing here has external linkage: it would stand before the program's own.
#pragma once

#include <array>
#include <cstdlib>
#include <string>

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

namespace {

/// The function of that name that this one stands before.
template <class F>
F next(const char* name) {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

/// Of the environment; empty where it has none.
inline std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

inline std::string path_of(int descriptor) {
  std::array<char, 4096> target{};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : "";
}

inline std::string path_at(int directory, const char* path) {
  if (path[0] == '/') return path;
  if (directory != AT_FDCWD) return path_of(directory) + "/" + path;
  std::array<char, 4096> here{};
  return ::getcwd(here.data(), here.size()) ? std::string(here.data()) + "/" + path : path;
}

/// False for no directory.
inline bool lies_in(const std::string& path, const std::string& directory) {
  return !directory.empty() && path.compare(0, directory.size(), directory) == 0;
}

}  // namespace
