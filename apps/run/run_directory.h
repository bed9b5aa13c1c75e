// The directory that a run writes its files into.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/files.h"

namespace bellman {

/// Owns the directory exclusively: it holds a lock on the file `lock` in it, which names this process.
///
/// Until keep() is called the destructor removes everything that was created, files of a run and directories,
/// so that a run that could not start leaves nothing behind.
class RunDirectory {
 public:
  /// Creates `path` and its missing parents. An existing directory must be empty; with `overwrite` the files
  /// of an earlier run in it (and no others) are removed. Throws: Error that names the path and what is wrong
  /// with it, or the process that owns it.
  RunDirectory(const std::filesystem::path& path, bool overwrite);
  /// Creates "<top>/<name>__<date>-<time>", with "-2", "-3" and so on where that exists, so that runs that
  /// start in the same second get different directories. Throws: Error as above.
  static RunDirectory of_new_run(const std::filesystem::path& top, std::string_view name);
  /// Opens the directory of an earlier run, to continue it; the destructor removes nothing. Throws: Error
  /// that names the path when it does not exist, and the process that owns it.
  static RunDirectory of_earlier_run(const std::filesystem::path& path);

  RunDirectory(RunDirectory&&) = default;
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;
  ~RunDirectory();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  void keep() { kept_ = true; }

 private:
  explicit RunDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  /// Creates it and its missing parents. False: it, or a file of its name, existed before.
  bool create();
  void lock();
  void make_empty(bool overwrite);
  void remove_created() noexcept;

  std::filesystem::path path_;
  std::vector<std::filesystem::path> created_;  // directories, outermost first
  std::optional<FileDescriptor> lock_;
  bool emptied_ = false;  // all files of a run in it are this run's
  bool kept_ = false;
};

/// Throws: Error that names the process that owns the directory, if one does. Takes the lock only for a
/// moment: for a caller that does not need the directory.
void refuse_held_directory(const std::filesystem::path& path);

/// The kind of files that --overwrite of a command replaces.
enum class RunKind { kRun, kSweep };
/// Throws: Error when the files in `path` are of the other kind: `train` does not replace a sweep, nor
/// `sweep` a run.
void refuse_other_kind(const std::filesystem::path& path, RunKind kind);
/// For a command that reads a run: throws Error when nothing is there, and for a sweep, whose runs have no directories.
void refuse_sweep(const std::filesystem::path& path);

/// Throws: Error as RunDirectory(path, overwrite) would, as far as that can be checked without changes.
void check_run_directory(const std::filesystem::path& path, bool overwrite);

}  // namespace bellman
