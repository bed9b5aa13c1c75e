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

/// While it lives no other process has the directory: it holds a lock on the file `lock` in it, which says
/// who it is.
///
/// Until keep() is called the directory is on trial: its destructor takes back what was created, files of a
/// run and directories alike, so that a run that could not start leaves nothing behind.
class RunDirectory {
 public:
  /// Creates `path` and what is missing above it. An existing directory must be empty; with `overwrite` the
  /// files of an earlier run in it (and no others) are removed. Throws: Error that names the path and what is
  /// wrong with it, or who has it.
  RunDirectory(const std::filesystem::path& path, bool overwrite);
  /// Creates "<top>/<name>__<date>-<time>", or where that exists the same with "-2", "-3" and so on: however
  /// many runs start in one second, each gets a directory of its own. Throws: Error as above.
  static RunDirectory of_new_run(const std::filesystem::path& top, std::string_view name);
  /// Takes the directory of an earlier run as it is, to go on with it; nothing is on trial.
  /// Throws: Error that names the path, when there is none, and who has it when somebody does.
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
  /// Creates it and what is missing above it. False: it was there before, or something of its name.
  bool create();
  void lock();
  void make_empty(bool overwrite);
  void take_back() noexcept;

  std::filesystem::path path_;
  std::vector<std::filesystem::path> created_;  // directories, outermost first
  std::optional<FileDescriptor> lock_;
  bool emptied_ = false;  // files of a run in it are ours
  bool kept_ = false;
};

/// Throws: Error that says who has the directory, when somebody does. Holds its lock for a moment to find
/// out: for a caller that will not take it.
void refuse_held_directory(const std::filesystem::path& path);

/// What --overwrite of a command replaces.
enum class RunKind { kRun, kSweep };
/// Throws: Error when the files in `path` are of the other kind: `train` replaces no sweep, `sweep` no run.
void refuse_other_kind(const std::filesystem::path& path, RunKind kind);

/// Throws: what RunDirectory(path, overwrite) would, as far as can be known while nothing is changed.
void check_run_directory(const std::filesystem::path& path, bool overwrite);

}  // namespace bellman
