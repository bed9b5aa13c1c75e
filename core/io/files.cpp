#include "core/io/files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <span>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/text.h"

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
  if (path.native().find('\0') != std::string::npos)  // the system would open the path before it
    fail("\"", printable(path.native()), "\": a NUL byte is part of no file's name");
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK), path, "opened");
  const mode_t mode = status_of(file).st_mode;
  if (S_ISDIR(mode)) fail(path.string(), ": is a directory");
  if (!S_ISREG(mode) && !S_ISFIFO(mode)) fail(path.string(), ": is a device or a socket, not a file");
  if (S_ISFIFO(mode) && ::fcntl(file.get(), F_SETFL, 0) != 0) fail_with_errno(path, "opened");
  return file;
}

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTemporaryPrefix = ".bellman-", kTemporarySuffix = ".tmp";

/// A new file in a directory, removed unless it was renamed.
class TemporaryFile {
 public:
  /// `path`: the file that this one will replace, which messages name.
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
  // The name does not contain the file's name, which may have the greatest possible length.
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
  // In chunks, since not every file (a pipe, /proc) knows its size.
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + kChunk);
    const std::size_t n = file.read(std::as_writable_bytes(std::span(text)).subspan(before));
    text.resize(before + n);
    if (text.size() > max_bytes) fail(path.string(), ": is longer than ", max_bytes, " bytes");
    if (n < kChunk) return text;
  }
}

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf"sv;

/// The encoding of the byte-order mark at the start of `text`; null for UTF-8 and without a mark.
const char* foreign_encoding(std::string_view text) {
  if (text.starts_with("\xff\xfe\0\0"sv) || text.starts_with("\0\0\xfe\xff"sv)) return "UTF-32";
  if (text.starts_with("\xff\xfe"sv) || text.starts_with("\xfe\xff"sv)) return "UTF-16";
  return nullptr;
}

}  // namespace

TextReader::TextReader(FileDescriptor file, std::uint64_t max_bytes)
    : file_(std::move(file)), max_bytes_(max_bytes) {}

TextReader::int_type TextReader::underflow() {
  if (at_end_) return traits_type::eof();
  const bool first = bytes_ == 0;
  const std::string name = file_.path().string();
  chunk_.resize(kChunk);
  chunk_.resize(file_.read(std::as_writable_bytes(std::span(chunk_))));
  at_end_ = chunk_.size() < kChunk;
  if (first && chunk_.empty() && file_.is_pipe()) fail(name, ": is a pipe to which nobody writes");

  const char* encoding = first ? foreign_encoding(chunk_) : nullptr;
  if (encoding) fail(name, ": is ", encoding, " by its byte-order mark: save it as UTF-8");
  refuse_nul_byte(name, chunk_, bytes_);
  bytes_ += chunk_.size();
  if (bytes_ > max_bytes_) fail(name, ": is longer than ", max_bytes_, " bytes");

  const std::size_t mark = first && chunk_.starts_with(kUtf8Mark) ? kUtf8Mark.size() : 0;
  setg(chunk_.data(), chunk_.data() + mark, chunk_.data() + chunk_.size());
  return gptr() == egptr() ? traits_type::eof() : traits_type::to_int_type(*gptr());
}

std::string read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  TextReader reader(open_for_reading(path), max_bytes);
  return {std::istreambuf_iterator<char>(&reader), {}};
}

void refuse_nul_byte(std::string_view what, std::string_view text, std::uint64_t before) {
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos)
    fail(what, ": byte ", before + nul + 1, " is NUL, which no text has");
}

FileDescriptor standard_input() { return {::dup(STDIN_FILENO), "standard input", "read"}; }

}  // namespace bellman
