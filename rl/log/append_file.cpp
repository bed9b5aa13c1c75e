#include "rl/log/append_file.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "core/base/check.h"

namespace bellman {

AppendFile::AppendFile(const std::filesystem::path& path) : path_(path) {
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_with(errno);
}

AppendFile::AppendFile(const std::filesystem::path& path, std::int64_t keep_bytes)
    : path_(path), size_(keep_bytes) {
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor_ < 0) fail_with(errno);
  const std::int64_t length = ::lseek(descriptor_, 0, SEEK_END);
  const bool fits = length >= keep_bytes && keep_bytes >= 0;
  has_rest_ = length > keep_bytes;
  if (!fits || ::lseek(descriptor_, keep_bytes, SEEK_SET) < 0) {
    const int error = errno;
    ::close(descriptor_);
    if (!fits)
      fail(path.string(), ": has ", length, " bytes, but ", keep_bytes, " belong to the run that is resumed");
    fail_with(error);
  }
}

AppendFile::~AppendFile() { ::close(descriptor_); }

void AppendFile::cut() {
  if (!has_rest_) return;
  if (::ftruncate(descriptor_, size_) != 0) fail_with(errno);
  has_rest_ = false;
}

void AppendFile::append(std::string_view record) {
  cut();
  std::string_view rest = record;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      const int error = errno;
      // What of the record was written is taken back. A device (/dev/full) cannot be cut, nor need it be.
      if (::ftruncate(descriptor_, size_) == 0) ::lseek(descriptor_, size_, SEEK_SET);
      fail_with(error);
    }
  }
  size_ += static_cast<std::int64_t>(record.size());
}

std::string AppendFile::tail(std::size_t most) const {
  std::string bytes(std::min(most, static_cast<std::size_t>(size_)), '\0');
  const auto begin = size_ - static_cast<std::int64_t>(bytes.size());
  const ssize_t read = ::pread(descriptor_, bytes.data(), bytes.size(), begin);
  return read == static_cast<ssize_t>(bytes.size()) ? bytes : "";
}

void AppendFile::sync() const {
  // EINVAL: a pipe or a device, which have no disk to wait for.
  if (::fsync(descriptor_) != 0 && errno != EINVAL) fail_with(errno);
}

void AppendFile::fail_with(int error) const {
  fail(path_.string(), ": ", std::generic_category().message(error));
}

}  // namespace bellman
