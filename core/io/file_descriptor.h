// An open file, closed when it goes. Every failure of the system becomes an Error that names the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

namespace bellman {

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

}  // namespace bellman
