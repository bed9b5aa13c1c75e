#include "core/io/file_descriptor.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/printable.h"

namespace bellman {
namespace {

struct stat status_of(const FileDescriptor& file) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail_with_errno(file.path(), "examined");
  return status;
}

}  // namespace

void fail_with_errno(const std::filesystem::path& path, const char* what) {
  const std::string reason = std::generic_category().message(errno);
  fail(path.string(), ": cannot be ", what, ": ", reason);
}

FileDescriptor::FileDescriptor(int descriptor, std::filesystem::path path, const char* what)
    : descriptor_(descriptor), path_(std::move(path)) {
  if (descriptor_ < 0) fail_with_errno(path_, what);
}

FileDescriptor::~FileDescriptor() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::uint64_t FileDescriptor::regular_size() const {
  const struct stat status = status_of(*this);
  if (!S_ISREG(status.st_mode)) fail(path_.string(), ": is not a regular file");
  return static_cast<std::uint64_t>(status.st_size);
}

bool FileDescriptor::is_pipe() const { return S_ISFIFO(status_of(*this).st_mode); }

std::size_t FileDescriptor::read(std::span<std::byte> bytes) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::read(descriptor_, bytes.data() + done, bytes.size() - done);
    if (n == 0) break;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_with_errno(path_, "read");
    done += static_cast<std::size_t>(n);
  }
  return done;
}

void FileDescriptor::write(std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_with_errno(path_, "written");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

void FileDescriptor::sync() const {
  if (::fsync(descriptor_) != 0 && errno != EINVAL) fail_with_errno(path_, "written to disk");
}

void FileDescriptor::close() {
  // After EINTR the descriptor is gone on Linux: it must not be closed again.
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) fail_with_errno(path_, "written");
}

FileDescriptor open_for_reading(const std::filesystem::path& path) {
  if (path.native().find('\0') != std::string::npos)  // the system would open what stands before it
    fail("\"", printable(path.native()), "\": a NUL byte is part of no file's name");
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK), path, "opened");
  const mode_t mode = status_of(file).st_mode;
  if (S_ISDIR(mode)) fail(path.string(), ": is a directory");
  if (!S_ISREG(mode) && !S_ISFIFO(mode)) fail(path.string(), ": is a device or a socket, not a file");
  if (S_ISFIFO(mode) && ::fcntl(file.get(), F_SETFL, 0) != 0) fail_with_errno(path, "opened");
  return file;
}

}  // namespace bellman
