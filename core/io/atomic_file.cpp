#include "core/io/atomic_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/io/file_descriptor.h"

namespace bellman {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTemporaryPrefix = ".bellman-", kTemporarySuffix = ".tmp";

/// A new file in a directory, removed again unless it was renamed.
class TemporaryFile {
 public:
  /// `path`: the file that this one will become; messages name it.
  TemporaryFile(const FileDescriptor& directory, const fs::path& path)
      : directory_(directory), file_(create(directory, name_), path, "written") {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!renamed_) ::unlinkat(directory_.get(), name_.c_str(), 0);
  }

  FileDescriptor& file() { return file_; }
  void rename() {
    const fs::path& path = file_.path();
    if (::renameat(directory_.get(), name_.c_str(), directory_.get(), path.filename().c_str()) != 0)
      fail_with_errno(path, "replaced");
    renamed_ = true;
  }

 private:
  // The name does not grow with the file's, which may be as long as a name can be.
  static int create(const FileDescriptor& directory, std::string& name) {
    constexpr int kTries = 1000;
    int descriptor = -1;
    for (int i = 0; i < kTries; ++i) {
      name = std::string(kTemporaryPrefix) + std::to_string(::getpid()) + "-" + std::to_string(i) +
             std::string(kTemporarySuffix);
      descriptor = ::openat(directory.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor >= 0 || errno != EEXIST) break;
    }
    return descriptor;
  }

  const FileDescriptor& directory_;
  std::string name_;
  FileDescriptor file_;
  bool renamed_ = false;
};

}  // namespace

void write_file_atomically(const fs::path& path, const std::function<void(const WriteBytes&)>& content) {
  if (!path.has_filename()) fail("\"", path.string(), "\" is not the name of a file");
  std::error_code ignored;
  const fs::file_status there = fs::status(path, ignored);
  if (fs::exists(there) && !fs::is_regular_file(there))
    fail(path.string(), ": cannot be written: it is there and not a regular file");

  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const FileDescriptor directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), path, "written");
  TemporaryFile temporary(directory, path);
  content([&](std::span<const std::byte> piece) { temporary.file().write(piece); });
  temporary.file().sync();
  temporary.file().close();
  temporary.rename();
  directory.sync();
}

void write_file_atomically(const fs::path& path, std::span<const std::byte> bytes) {
  write_file_atomically(path, [&](const WriteBytes& write) { write(bytes); });
}

void write_file_atomically(const fs::path& path, std::string_view text) {
  write_file_atomically(path, std::as_bytes(std::span(text.data(), text.size())));
}

void sync_directory(const fs::path& path) {
  FileDescriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), path, "opened").sync();
}

bool is_temporary_file(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(kTemporaryPrefix) && name.ends_with(kTemporarySuffix);
}

std::string read_file(const fs::path& path, std::size_t max_bytes) {
  constexpr std::size_t kChunk = std::size_t{1} << 16;
  const FileDescriptor file = open_for_reading(path);
  std::string text;
  // By chunks, since not every file (a pipe, /proc) knows its size.
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + kChunk);
    const std::size_t n = file.read(std::as_writable_bytes(std::span(text)).subspan(before));
    text.resize(before + n);
    if (text.size() > max_bytes) fail(path.string(), ": is longer than ", max_bytes, " bytes");
    if (n < kChunk) return text;
  }
}

}  // namespace bellman
