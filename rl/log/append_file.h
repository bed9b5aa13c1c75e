// A log file that grows record by record and never ends in half a record, not even on a full disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace bellman {

/// Owns the open file. Not thread-safe, but for sync().
class AppendFile {
 public:
  /// Creates the file, or empties it. Throws: Error that names the file and the system's reason.
  explicit AppendFile(const std::filesystem::path& path);
  /// Opens an existing file, whose first `keep_bytes` count. The rest is cut off by the first append() or cut(): a run
  /// that cannot be resumed after all has lost nothing. Throws: Error as above, and when the file is shorter.
  AppendFile(const std::filesystem::path& path, std::int64_t keep_bytes);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// Writes the whole record: every reader then sees it, and it survives the process.
  /// Throws: Error that names the file and the system's reason; the file then ends with the record before.
  void append(std::string_view record);
  /// Cuts off what does not count. Throws: Error as above.
  void cut();
  /// Waits until all records are on the disk; another thread may append meanwhile. Throws: Error as above.
  void sync() const;

  /// The last `most` bytes of it, or all: by them one knows the file again. Empty for what cannot be read.
  std::string tail(std::size_t most) const;

  const std::filesystem::path& path() const { return path_; }
  std::int64_t size() const { return size_; }

 private:
  [[noreturn]] void fail_with(int error) const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;  // bytes of whole records
  bool has_rest_ = false;  // behind them, of an earlier run
};

}  // namespace bellman
