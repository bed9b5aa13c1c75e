// Files: opened with errors that name them, read as checked text, and replaced atomically.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>

namespace bellman {

/// An open file, closed by its destructor. Every failure of the system throws an Error that names the file.
class FileDescriptor {
 public:
  /// Takes the result of open() or openat(); `path` is for messages. Throws: Error "<path>: cannot be <what>:
  /// ..." when that is a failure.
  FileDescriptor(int descriptor, std::filesystem::path path, const char* what);
  FileDescriptor(FileDescriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}
  FileDescriptor& operator=(FileDescriptor&&) = delete;
  ~FileDescriptor();

  int get() const { return descriptor_; }
  const std::filesystem::path& path() const { return path_; }

  /// Bytes of a regular file. Throws: Error for any other file.
  std::uint64_t regular_size() const;
  /// Whether it is a pipe, named or not.
  bool is_pipe() const;
  /// Reads until `bytes` is full or the file ends; returns how many were read.
  std::size_t read(std::span<std::byte> bytes) const;
  void write(std::span<const std::byte> bytes) const;
  /// Flushes written data to the disk. No effect where the file system cannot sync (EINVAL).
  void sync() const;
  /// Closes now, since some file systems report a full disk only then.
  void close();

 private:
  int descriptor_;
  std::filesystem::path path_;
};

/// Throws: Error "<path>: cannot be <what>: <the system's reason>", from errno.
[[noreturn]] void fail_with_errno(const std::filesystem::path& path, const char* what);

/// Opens a regular file or a pipe for reading, without waiting for a pipe's writer. Throws: Error when it
/// does not exist, cannot be read or is anything else (a directory, a device).
FileDescriptor open_for_reading(const std::filesystem::path& path);

// ---- atomic replacement

/// Replaces `path` by `bytes`: a temporary file in the same directory, fsync, rename, fsync of the directory.
/// Throws: Error that names the file and the system's reason; the temporary file is then removed and an older
/// `path` intact. An existing `path` that is not a regular file (a directory, /dev/null) is an error.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file_atomically(const std::filesystem::path& path, std::string_view text);
/// Appends bytes to the file. Throws: Error that names the file and the system's reason.
using WriteBytes = std::function<void(std::span<const std::byte>)>;
/// The same, with bytes that `content` writes piece by piece. If it throws, an older `path` stays intact,
/// too.
void write_file_atomically(const std::filesystem::path& path,
                           const std::function<void(const WriteBytes& write)>& content);

/// Makes earlier creations, renames and removals in a directory survive a crash of the machine.
/// Throws: Error that names the directory and the system's reason.
void sync_directory(const std::filesystem::path& path);

/// Whether this is the name of such a temporary file, which a killed process leaves behind.
bool is_temporary_file(const std::filesystem::path& path);

/// The whole file. Throws: Error that names the file and the system's reason, or `max_bytes` when it is
/// longer.
std::string read_file(const std::filesystem::path& path, std::size_t max_bytes);

// ---- texts that a user names: configurations, maps, observations. Any program may have written them, so
// they are checked while they are read.

/// A stream of a text's bytes, without the byte-order mark (EF BB BF) that some editors write first.
/// Reading throws: Error that names the file, for
///   - UTF-16 or UTF-32, by the byte-order mark;
///   - a NUL byte, which no text has;
///   - more than `max_bytes` bytes;
///   - a pipe without a writer.
class TextReader final : public std::streambuf {
 public:
  TextReader(FileDescriptor file, std::uint64_t max_bytes);

 protected:
  int_type underflow() override;

 private:
  static constexpr std::size_t kChunk = std::size_t{1} << 16;

  FileDescriptor file_;
  std::uint64_t max_bytes_, bytes_ = 0;
  std::string chunk_;
  bool at_end_ = false;
};

/// The whole text of a file. Throws: Error, as TextReader and open_for_reading do.
std::string read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes);

/// Throws: Error "<what>: byte N is NUL ..." when `text` has a NUL byte, which parsers may take for its end.
/// N counts from 1, starting `before` bytes before the text.
void refuse_nul_byte(std::string_view what, std::string_view text, std::uint64_t before = 0);

/// Standard input, open for reading.
FileDescriptor standard_input();

}  // namespace bellman
