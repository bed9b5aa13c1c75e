// A file in memory, for readers that take a path: changed byte by byte and read again some 10 thousand times
// a second.
#pragma once

#include <cerrno>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>

#include <sys/mman.h>
#include <unistd.h>

#include "core/base/check.h"

namespace bellman::test {

class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("bellman-test", MFD_CLOEXEC)) {
    if (descriptor_ < 0) fail("memfd_create: ", std::generic_category().message(errno));
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

  void resize(std::size_t bytes) {
    if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0)
      fail("ftruncate: ", std::generic_category().message(errno));
  }
  void write(std::size_t offset, std::span<const std::byte> bytes) {
    const auto count = static_cast<ssize_t>(bytes.size());
    if (::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset)) != count)
      fail("pwrite: ", std::generic_category().message(errno));
  }
  /// The whole content.
  void assign(std::span<const std::byte> bytes) {
    resize(bytes.size());
    write(0, bytes);
  }

 private:
  int descriptor_;
};

}  // namespace bellman::test
