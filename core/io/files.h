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

// ---- An open file, closed when it goes. Every failure of the system becomes an Error that names the file.

class FileDescriptor {
 public:
  /// Takes what open() or openat() returned; `path` is for messages. Throws: Error, saying that the file
  /// cannot be `what`, when that was a failure.
  FileDescriptor(int descriptor, std::filesystem::path path, const char* what);
  FileDescriptor(FileDescriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}
  FileDescriptor& operator=(FileDescriptor&&) = delete;
  ~FileDescriptor();

  int get() const { return descriptor_; }
  const std::filesystem::path& path() const { return path_; }

  /// Bytes of a regular file. Throws: Error when it is none.
  std::uint64_t regular_size() const;
  /// A pipe, with a name or without.
  bool is_pipe() const;
  /// Reads until `bytes` is full or the file ends; returns how many were read.
  std::size_t read(std::span<std::byte> bytes) const;
  void write(std::span<const std::byte> bytes) const;
  /// What was written reaches the disk. Nothing happens where the file system cannot sync (EINVAL).
  void sync() const;
  /// Closes now. Some file systems report only then that the disk is full.
  void close();

 private:
  int descriptor_;
  std::filesystem::path path_;
};

/// Throws: Error "<path>: cannot be <what>: <the system's reason>", from errno.
[[noreturn]] void fail_with_errno(const std::filesystem::path& path, const char* what);

/// `path` opened for reading: a regular file, or a pipe, which need not have a writer yet: opening does not
/// wait for one. Throws: Error when it is not there, cannot be read or is anything else (a directory, a
/// device).
FileDescriptor open_for_reading(const std::filesystem::path& path);

// ---- Files that are whole or not there: written beside, synced, then renamed over.

/// Replaces `path` by `bytes`: a temporary file in the same directory, fsync, rename, fsync of the directory.
/// Throws: Error that names the file and the system's reason; the temporary file is then gone and an older
/// `path` whole. A `path` that is there but no regular file (a directory, /dev/null) is an error.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file_atomically(const std::filesystem::path& path, std::string_view text);
/// Puts more bytes at a file's end. Throws: Error that names the file and the system's reason.
using WriteBytes = std::function<void(std::span<const std::byte>)>;
/// The same of what `content` writes, piece by piece: no copy of the whole is needed. What it throws leaves
/// an older `path` whole, too.
void write_file_atomically(const std::filesystem::path& path,
                           const std::function<void(const WriteBytes& write)>& content);

/// What was created, renamed or removed in a directory so far stays so, whatever happens to the machine.
/// Throws: Error that names it and the system's reason.
void sync_directory(const std::filesystem::path& path);

/// Whether this is the name of a temporary file of the above: what a process that was killed left behind.
bool is_temporary_file(const std::filesystem::path& path);

/// The whole file. Throws: Error that names the file and the system's reason, or `max_bytes` when it is
/// longer.
std::string read_file(const std::filesystem::path& path, std::size_t max_bytes);

// ---- Texts that a user names: configurations, maps, observations. They may come from any editor, or be no text
// at all, so they are checked while they are read, piece by piece.

/// A stream of a text's bytes, without the byte-order mark (EF BB BF) that some editors put at its start.
/// Reading from it throws: Error that names the file, for
///   - what is UTF-16 or UTF-32 by its byte-order mark;
///   - a NUL byte, which no text has and every unending device has soon;
///   - more than `max_bytes` bytes;
///   - a pipe at whose other end nobody writes.
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

/// Throws: Error "<what>: byte N is NUL ..." when there is one in `text`, which parsers may take for its end.
/// N counts from 1, and `before` bytes before the text.
void refuse_nul_byte(std::string_view what, std::string_view text, std::uint64_t before = 0);

/// Standard input, open for reading.
FileDescriptor standard_input();

}  // namespace bellman
